"""The article's token bucket in KV: get, decide, put, else 429.

It is kept as the article has it, unsound as it is: KV has no compare-and-set, serves
values up to a minute old in other places, and takes one write a second for each key
(Cloudflare docs, KV limits). So concurrent requests pass together, and the write that
KV refuses with 429 is left out: a limiter must not refuse what the tenant may do.
"""

from __future__ import annotations

from typing import Any

from bench.path import wire
from bench.path.bindings import kv
from bench.path.chat import State
from bench.path.env import Env
from bench.path.errors import BadStatus, Malformed, refusal
from bench.path.http import Response

ORDER = 40

_TTL_S = 120  # a bucket that is a minute old is full again; KV takes 60 s or more
_UNIT = 1000  # buckets count thousandths of a token, so that all numbers are integers


def run(state: State, env: Env) -> Response | None:
    """Take a token from the tenant's bucket; 429 with ``retry-after`` if it has none.

    The KV value under ``ratelimit:<tenant>`` is ``{"tokens","updatedAt"}``:
    thousandths of a token and Unix milliseconds.
    """
    key = f"ratelimit:{state.session.tenant}"
    per_minute = env.options.rate_per_minute
    now = int(env.clock() * 1000)
    tokens = _tokens(kv.get(env, key), per_minute, now)
    if tokens < _UNIT:
        missing_ms = (_UNIT - tokens) * 60 // per_minute
        seconds = str(missing_ms // 1000 + 1)
        message = "the tenant's requests of this minute are used up"
        return refusal(429, "rate_limited", message, {"retry-after": seconds})
    bucket = wire.dumps({"tokens": tokens - _UNIT, "updatedAt": now})
    try:
        kv.put(env, key, bucket, _TTL_S)
    except BadStatus as error:
        if error.status != 429:
            raise
        state.failures.append("rate_limit")
    return None


def _tokens(value: bytes | None, per_minute: int, now: int) -> int:
    """Thousandths of a token in the bucket now: as stored, and what it regained."""
    capacity: int = per_minute * _UNIT
    if value is None:
        return capacity
    try:
        bucket: Any = wire.loads(value)
        elapsed = max(0, now - int(bucket["updatedAt"]))
        return min(capacity, int(bucket["tokens"]) + elapsed * per_minute // 60)
    except (TypeError, ValueError, LookupError, OverflowError) as error:
        raise Malformed(kv.SERVICE, "bucket") from error
