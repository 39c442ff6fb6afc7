"""D1: one writer a database, and a size that it may grow to."""

from __future__ import annotations

from collections.abc import Iterator

from bench.platform.tables import Row, find
from bench.verdict.limits import Bound, Ground, fills, per_second, unknown

_GB = 1e9
_FASTEST, _SLOWEST = 0.2, 4.0  # of the assumed time of a write
WRITER = Row(
    id="assumed.d1_write_ms",
    product="D1",
    item="The single writer of a database",
    plan="",
    value=1.0,
    unit="s a second",
    source="Cloudflare docs, D1 limits: a database answers one query at a time; the "
    "time of a write is assumed",
    date="2026-04-21",
)


def bounds(ground: Ground) -> Iterator[Bound]:
    """The writer's time, all of it, and the days until the database is full."""
    written = ground.meter("d1.rows_written")
    yield from _writer(ground, written)
    yield from _growth(ground, written)


def _writer(ground: Ground, written: float | None) -> Iterator[Bound]:
    held_s = ground.assumed.d1_write_ms / 1000
    # The rows of one request are a batch, and a batch is one transaction.
    uses = None if written is None else held_s if written > 0 else 0.0
    yield from per_second(
        ground,
        WRITER,
        uses,
        "s",
        share=(1.0, _FASTEST, _SLOWEST),
        why=", as one transaction in one database",
    )


def _growth(ground: Ground, written: float | None) -> Iterator[Bound]:
    row = find(f"d1.database.{'free' if ground.free else 'paid'}")
    if written is None:
        yield unknown(row, "GB")
        return
    grows = written * ground.assumed.row_bytes / _GB
    yield from fills(ground, row, grows, "GB", "a D1 database")
