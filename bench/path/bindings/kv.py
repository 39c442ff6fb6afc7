"""Workers KV: sessions and rate-limit buckets."""

from __future__ import annotations

from urllib.parse import quote

from bench.path.env import Env
from bench.path.errors import bad_status

SERVICE = "kv"


def get(env: Env, key: str) -> bytes | None:
    """The value under ``key``, or None."""
    path = f"/{quote(key, safe='')}?urlencoded=true"
    timeout = env.options.timeout_s
    reply = env.transport.send(SERVICE, "GET", path, {}, b"", timeout)
    if reply.status in (404, 410):
        return None
    if reply.status != 200:
        raise bad_status(SERVICE, reply)
    return reply.body


def put(env: Env, key: str, value: bytes, ttl_s: int) -> None:
    """Store ``value`` under ``key`` for ``ttl_s`` seconds (KV takes 60 or more)."""
    path = f"/{quote(key, safe='')}?urlencoded=true&expiration_ttl={ttl_s}"
    timeout = env.options.timeout_s
    reply = env.transport.send(SERVICE, "PUT", path, {}, value, timeout)
    if not 200 <= reply.status < 300:
        raise bad_status(SERVICE, reply)
