"""Any CSV with a header, or NDJSON, whose columns the user names.

    --columns time=ts,context=in,generated=out

A time that is no number is ISO 8601, UTC where it has no offset. A number from 10^11 on
is milliseconds since 1970 (10^11 ms is 1973, 10^11 s the year 5138), one from 10^9 on
seconds since 1970 (10^9 s is 2001), and a smaller one seconds from the start. The first
row that can be read decides; a row with a time of another kind is bad.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bench.traffic.formats._objects import FaultError
from bench.traffic.formats._rows import Arrival, Found, each, json_lines, table
from bench.traffic.formats._source import Head, Source
from bench.traffic.formats._values import (
    SECOND,
    epoch_ms,
    iso,
    number,
    ticks,
    tokens,
)

NOTE = "CSV or NDJSON whose columns are named with --columns: each row is a request"
_MS_FROM, _DATED_FROM = 10**11, 10**9


def knows(_: Head) -> bool:
    """Never: only the user knows what the columns mean."""
    return False


def rows(source: Source) -> Iterator[Found]:
    """An arrival for each row, with the token counts that are mapped."""
    mapped = dict(source.columns or {})
    names = [mapped.pop("time"), *mapped.values()]
    arrival = _arrivals(_Clock(), list(mapped))
    if not source.head.is_json:
        return each(table(source, names), arrival)
    picked = (
        (
            first,
            last,
            record
            if isinstance(record, FaultError)
            else [record.get(name) for name in names],
        )
        for first, last, record in json_lines(source)
    )
    return each(picked, arrival)


def _arrivals(
    clock: Callable[[Any], int], meanings: Sequence[str]
) -> Callable[[Sequence[Any]], Arrival]:
    def arrival(cells: Sequence[Any]) -> Arrival:
        counts = {
            meaning: tokens(cell)
            for meaning, cell in zip(meanings, cells[1:], strict=True)
        }
        return Arrival(clock(cells[0]), **counts)

    return arrival


class _Clock:
    """Tells what kind the times of a file are by the first one."""

    def __init__(self) -> None:
        self._kind = ""

    def __call__(self, value: Any) -> int:
        kind, ns = _told(value)
        if kind != (self._kind or kind):
            raise FaultError("its time is of another kind than the first one")
        self._kind = kind
        return ns


def _told(value: Any) -> tuple[str, int]:
    if isinstance(value, str) and not _is_number(value):
        return "iso", iso(value)
    found = number(value)
    if found >= _MS_FROM:
        return "ms", epoch_ms(found)
    kind = "since 1970" if found >= _DATED_FROM else "from the start"
    return kind, ticks(found, SECOND)


def _is_number(text: str) -> bool:
    try:
        number(text)
    except FaultError:
        return False
    return True
