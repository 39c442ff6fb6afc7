"""What Workers KV accepts: limits with the status codes and texts that it answers.

Limits: Cloudflare docs, KV limits, 2026-08. Texts as in the simulator of workers-sdk
(2026-08); the binding shows only the status line, so they matter to readers alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import orjson

from bench.services._messages import Refusal, Reply

MAX_VALUE = 25 * 2**20
MAX_KEY = 512
MAX_METADATA = 1024
MAX_BULK = 100
MAX_LIST = 1000
MIN_TTL_S = 60
MIN_CACHE_TTL_S = 30
WRITE_INTERVAL_S = 1.0


def error(status: int, message: str) -> Reply:
    """An error as plain text."""
    return Reply(status, {"Content-Type": "text/plain"}, message.encode())


def refuse(status: int, message: str) -> NoReturn:
    """Answer an error at once."""
    raise Refusal(error(status, message))


def check_key(key: str) -> str:
    """``key``, if it may name a value."""
    if key in {"", ".", ".."}:
        refuse(400, f'Illegal key name "{key}". Please use a different name.')
    if (size := len(key.encode())) > MAX_KEY:
        refuse(
            414,
            f"UTF-8 encoded length of {size} exceeds key length limit of {MAX_KEY}.",
        )
    return key


def check_value(value: bytes) -> None:
    """Refuse a value that is too long."""
    if (size := len(value)) > MAX_VALUE:
        refuse(413, f"Value length of {size} exceeds limit of {MAX_VALUE}.")


def check_cache_ttl(given: str | int | None) -> None:
    """Refuse a cache TTL below the minimum; None is no cache TTL."""
    ttl = None if given is None else whole(str(given))
    if given is not None and (ttl is None or ttl < MIN_CACHE_TTL_S):
        refuse(
            400,
            f"Invalid cache_ttl of {given}. "
            f"Cache TTL must be at least {MIN_CACHE_TTL_S}.",
        )


def check_metadata(metadata: str) -> None:
    """Refuse metadata that is too long or not JSON."""
    if (size := len(metadata.encode())) > MAX_METADATA:
        refuse(413, f"Metadata length of {size} exceeds limit of {MAX_METADATA}.")
    try:
        orjson.loads(metadata)
    except orjson.JSONDecodeError:
        refuse(400, "Metadata must be JSON")


def expiration(query: Mapping[str, str], now: int) -> int | None:
    """When the value of a put expires, in Unix seconds; the TTL wins over the date."""
    for name, base in (("expiration_ttl", now), ("expiration", 0)):
        if name in query:
            seconds = whole(query[name])
            if seconds is None or base + seconds < now + MIN_TTL_S:
                refuse(
                    400,
                    f"Invalid {name} of {query[name]}. It must be an integer at "
                    f"least {MIN_TTL_S} seconds in the future.",
                )
            return base + seconds
    return None


def list_limit(query: Mapping[str, str]) -> int:
    """How many keys a page may have."""
    text = query.get("key_count_limit", str(MAX_LIST))
    limit = whole(text)
    if limit is None or not 1 <= limit <= MAX_LIST:
        refuse(
            400,
            f"Invalid key_count_limit of {text}. "
            f"Please specify an integer from 1 to {MAX_LIST}.",
        )
    return limit


def whole(text: str) -> int | None:
    """A number of decimal digits; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() else None
