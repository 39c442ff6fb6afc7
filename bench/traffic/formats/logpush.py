"""Logpush of the dataset workers_trace_events, NDJSON.

``EventTimestampMs`` is when the invocation began
(developers.cloudflare.com/logs/logpush, 2026-07-08). Nothing else of a line is kept.
"""

from collections.abc import Iterator
from typing import Any

from bench.traffic.formats._rows import Arrival, Found, each, json_lines
from bench.traffic.formats._source import Head, Source
from bench.traffic.formats._values import epoch_ms

NOTE = "Logpush of workers_trace_events, NDJSON: each line is an invocation of any kind"
_TIME = "EventTimestampMs"


def knows(head: Head) -> bool:
    """Whether the first objects have its time."""
    return _TIME in head.keys


def rows(source: Source) -> Iterator[Found]:
    """An arrival for each line."""
    return each(json_lines(source), _arrival)


def _arrival(record: dict[str, Any]) -> Arrival:
    return Arrival(epoch_ms(record.get(_TIME)))
