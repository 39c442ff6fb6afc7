"""Workers KV: sessions and rate-limit buckets."""

from __future__ import annotations

from urllib.parse import quote

from bench.path.env import Env
from bench.path.errors import BadStatus
from bench.path.http import Call
from bench.path.wire import encode

SERVICE = "kv"


def get(env: Env, key: str) -> bytes | None:
    """The value under ``key``, or None."""
    path = f"{_path(key)}?urlencoded=true"
    call = Call(SERVICE, "GET", path, {}, b"", env.options.timeout_s)
    reply = env.transport.send(call)
    if reply.status in (404, 410):
        return None
    if reply.status != 200:
        raise BadStatus(SERVICE, reply.status)
    return reply.body


def put(env: Env, key: str, value: bytes, ttl_s: int) -> None:
    """Store ``value`` under ``key`` for ``ttl_s`` seconds (KV takes 60 or more)."""
    path = f"{_path(key)}?urlencoded=true&expiration_ttl={ttl_s}"
    call = Call(SERVICE, "PUT", path, {}, value, env.options.timeout_s)
    reply = env.transport.send(call)
    if not 200 <= reply.status < 300:
        raise BadStatus(SERVICE, reply.status)


def _path(key: str) -> str:
    return "/" + quote(encode(key), safe="")
