"""`wrangler tail --format json`: JSON objects one after the other, of many lines each.

``eventTimestamp`` is when the invocation began, in whole milliseconds. A busy Worker's
tail is sampled by the platform, which says so in events of its own kind (``overload``
in wrangler's src/tail): these are no invocations, and the trace notes them.
"""

from collections.abc import Iterator
from typing import Any

from bench.traffic.formats._rows import Arrival, Found, Remark, each, json_objects
from bench.traffic.formats._source import Head, Source
from bench.traffic.formats._values import epoch_ms

NOTE = "wrangler tail --format json: each object is an invocation of any kind"
SAMPLED = "the platform sampled this tail: the true rate is higher"
_TIME = "eventTimestamp"
_OVERLOAD = ("overload", "overload-stop")


def knows(head: Head) -> bool:
    """Whether the first objects have its time."""
    return _TIME in head.keys


def rows(source: Source) -> Iterator[Found]:
    """An arrival for each object."""
    return each(json_objects(source), _arrival)


def _arrival(record: dict[str, Any]) -> Arrival | Remark:
    event = record.get("event")
    if isinstance(event, dict) and event.get("type") in _OVERLOAD:
        return Remark(SAMPLED)
    return Arrival(epoch_ms(record.get(_TIME)))
