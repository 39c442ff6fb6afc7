"""Times and counts of a row, whatever it holds in their place.

Times are whole nanoseconds, which is exact where a float of seconds since 1970 is not.
From 10^9 s on, September 2001, a time is one of the calendar; below, it counts from the
start of the recording.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from math import isfinite

from bench.traffic.formats._objects import FaultError

SECOND, MILLISECOND = 10**9, 10**6
DATED_NS = 10**9 * SECOND
_END_NS = 2**63  # of a signed integer of 64 bits: the year 2262
_MOST_TOKENS = 10**12
_LONGEST = 40  # characters of a time or a number
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,12}))? ?"
    r"(Z|UTC|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)


def number(value: object) -> int | float:
    """A number of JSON or of a cell, finite. Raises FaultError for anything else."""
    if type(value) is str:
        text = value.strip()
        if len(text) <= _LONGEST and _NUMBER.fullmatch(text):
            value = int(text) if text.isdigit() else float(text)
    if type(value) is int or (type(value) is float and isfinite(value)):
        return value
    raise FaultError("has no time" if value is None else "its time is no number")


def ticks(value: object, unit: int) -> int:
    """``value`` times ``unit`` nanoseconds.

    Raises FaultError for what is no number, is negative, or is beyond the year 2262.
    """
    found = number(value)
    if not 0 <= found < _END_NS:
        raise FaultError("its time is negative or too large")
    # Apart, because a float of seconds since 1970 times 10^9 is not exact.
    whole = int(found)
    ns = whole * unit + round((found - whole) * unit)
    if ns >= _END_NS:
        raise FaultError("its time is negative or too large")
    return ns


def epoch_ms(value: object) -> int:
    """Nanoseconds of ``value``, milliseconds since 1970. Raises FaultError."""
    return dated(ticks(value, MILLISECOND))


def dated(ns: int) -> int:
    """``ns``, unless it is before 2001: no recording of requests is that old."""
    if ns < DATED_NS:
        raise FaultError("its time is before 2001")
    return ns


def iso(text: object) -> int:
    """Nanoseconds since 1970 of a date and time as ISO 8601 writes it.

    UTC where no offset is given; a space may stand for the T. Raises FaultError.
    """
    found = (
        _ISO.fullmatch(text.strip()) if type(text) is str and len(text) <= 64 else None
    )
    if found is None:
        raise FaultError("its time is not as ISO 8601 writes it")
    day, clock, fraction, zone = found.groups()
    ns = _seconds(day, clock, zone) * SECOND
    if fraction is not None:
        ns += int(fraction[:9].ljust(9, "0"))
    if ns >= _END_NS:
        raise FaultError("its time is negative or too large")
    return dated(ns)


@lru_cache(maxsize=64)
def _seconds(day: str, clock: str, zone: str | None) -> int:
    offset = "+00:00" if zone in (None, "Z", "UTC") else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{offset}")
    except ValueError:
        raise FaultError("its time is not one of the calendar") from None
    return int(moment.timestamp())


def tokens(value: object) -> int:
    """A count of tokens. Raises FaultError for what is none."""
    # Nearly every cell, at a third of the cost of what follows.
    if type(value) is str and value.isascii() and value.isdigit() and len(value) < 12:
        return int(value)
    try:
        found = number(value)
    except FaultError:
        raise FaultError("has a count of tokens that is no number") from None
    if not (0 <= found <= _MOST_TOKENS and found == int(found)):
        raise FaultError("has a count of tokens that is negative, broken or too large")
    return int(found)
