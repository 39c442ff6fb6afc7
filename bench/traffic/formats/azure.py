"""Azure LLM inference traces of 2023 and 2024 (Azure/AzurePublicDataset, CC-BY 4.0).

CSV with times like ``2023-11-16 18:17:03.9799600``, UTC, to 100 ns.
"""

from collections.abc import Iterator

from bench.traffic.formats._rows import Arrival, Found, each, table
from bench.traffic.formats._source import Head, Source
from bench.traffic.formats._values import iso, tokens

NOTE = "Azure LLM inference traces, CSV: each row is a request"
_NAMES = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")


def knows(head: Head) -> bool:
    """Whether the header has its columns."""
    return head.columns.issuperset(_NAMES)


def rows(source: Source) -> Iterator[Found]:
    """An arrival with both token counts for each row."""
    return each(table(source, _NAMES), _arrival)


def _arrival(cells: list[str]) -> Arrival:
    time, context, generated = cells
    return Arrival(iso(time), tokens(context), tokens(generated))
