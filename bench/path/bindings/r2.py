"""R2: whole objects in and out.

A request is JSON in a header (get) or before the payload (put); a reply is the
object's metadata as JSON, directly followed by its bytes.
"""

from __future__ import annotations

import json

from bench.path import wire
from bench.path.env import Env
from bench.path.errors import Malformed, Short, bad_status
from bench.path.http import Call

SERVICE = "r2"


def get(env: Env, key: str) -> bytes | None:
    """The bytes under ``key``, or None."""
    # A header is Latin-1 at best, so this JSON is ASCII.
    question = json.dumps({"version": 1, "method": "get", "object": key})
    headers = {"cf-r2-request": question}
    call = Call(SERVICE, "GET", "/", headers, b"", env.options.timeout_s)
    reply = env.transport.send(call)
    if reply.status == 404:
        return None
    if reply.status != 200:
        raise bad_status(SERVICE, reply)
    try:
        head = int(reply.headers["cf-r2-metadata-size"])
        size = wire.loads(reply.body[:head])["size"]
    except (TypeError, ValueError, LookupError) as error:
        raise Malformed(SERVICE, "metadata") from error
    if len(reply.body) != head + size:
        raise Short(SERVICE, "object")
    return reply.body[head:]


def put(env: Env, key: str, value: bytes) -> None:
    """Store ``value`` under ``key``."""
    head = wire.dumps({"version": 1, "method": "put", "object": key})
    headers = {"cf-r2-metadata-size": str(len(head))}
    call = Call(SERVICE, "PUT", "/", headers, head + value, env.options.timeout_s)
    reply = env.transport.send(call)
    if not 200 <= reply.status < 300:
        raise bad_status(SERVICE, reply)
