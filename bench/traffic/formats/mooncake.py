"""Mooncake traces (kvcache-ai/Mooncake, FAST'25, Apache-2.0), NDJSON.

Times are milliseconds from the start; recordings group them to seconds. ``hash_ids``
are not kept.
"""

from collections.abc import Iterator
from typing import Any

from bench.traffic.formats._rows import Arrival, Found, each, json_lines
from bench.traffic.formats._source import Head, Source
from bench.traffic.formats._values import MILLISECOND, ticks, tokens

NOTE = "Mooncake traces, NDJSON: each line is a request"
_NAMES = ("timestamp", "input_length", "output_length")


def knows(head: Head) -> bool:
    """Whether the first objects have its keys."""
    return head.keys.issuperset(_NAMES)


def rows(source: Source) -> Iterator[Found]:
    """An arrival with both token counts for each line."""
    return each(json_lines(source), _arrival)


def _arrival(record: dict[str, Any]) -> Arrival:
    time, context, generated = (record.get(name) for name in _NAMES)
    return Arrival(ticks(time, MILLISECOND), tokens(context), tokens(generated))
