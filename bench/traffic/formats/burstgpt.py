"""BurstGPT traces (HPMLL/BurstGPT, CC-BY 4.0), CSV.

Times are whole seconds from the start, so gaps below a second are not to be seen.
A request that failed has 0 response tokens; it did arrive.
"""

from collections.abc import Iterator

from bench.traffic.formats._rows import Arrival, Found, each, table
from bench.traffic.formats._source import Head, Source
from bench.traffic.formats._values import SECOND, ticks, tokens

NOTE = "BurstGPT traces, CSV: each row is a request, failed ones too"
_NAMES = ("Timestamp", "Request tokens", "Response tokens")


def knows(head: Head) -> bool:
    """Whether the header has its columns."""
    return head.columns.issuperset(_NAMES)


def rows(source: Source) -> Iterator[Found]:
    """An arrival with both token counts for each row."""
    return each(table(source, _NAMES), _arrival)


def _arrival(cells: list[str]) -> Arrival:
    time, context, generated = cells
    return Arrival(ticks(time, SECOND), tokens(context), tokens(generated))
