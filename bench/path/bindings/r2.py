"""R2: whole objects in and out.

A request is JSON in a header (get) or before the payload (put); a reply is the
object's metadata as JSON, directly followed by its bytes.
"""

from __future__ import annotations

import json

from bench.path import wire
from bench.path.env import Env
from bench.path.errors import BadStatus, Malformed
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
        raise BadStatus(SERVICE, reply.status)
    size = reply.headers.get("cf-r2-metadata-size", "")
    if not size.isdecimal() or len(reply.body) < int(size):
        raise Malformed(SERVICE, "metadata")
    _check_metadata(reply.body[: int(size)])
    return reply.body[int(size) :]


def put(env: Env, key: str, value: bytes) -> None:
    """Store ``value`` under ``key``."""
    head = wire.dumps({"version": 1, "method": "put", "object": key})
    headers = {"cf-r2-metadata-size": str(len(head))}
    call = Call(SERVICE, "PUT", "/", headers, head + value, env.options.timeout_s)
    reply = env.transport.send(call)
    if not 200 <= reply.status < 300:
        raise BadStatus(SERVICE, reply.status)
    _check_metadata(reply.body)


def _check_metadata(about: bytes) -> None:
    """The metadata of an object has to be some; nothing is read from it."""
    try:
        if not isinstance(wire.loads(about), dict):
            raise Malformed(SERVICE, "metadata")
    except ValueError as error:
        raise Malformed(SERVICE, "metadata") from error
