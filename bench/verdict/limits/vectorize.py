"""Vectorize: how many vectors an index may hold."""

from __future__ import annotations

from collections.abc import Iterator

from bench.platform.tables import strict
from bench.verdict.limits import Bound, Ground, fills, unknown


def bounds(ground: Ground) -> Iterator[Bound]:
    """Days until what is written fills one index. Queries have no documented rate."""
    row = strict("vectorize.vectors")
    stored = ground.meter("vectorize.stored")
    if stored is None:
        yield unknown(row, "vectors")
        return
    vectors = stored / strict("vectorize.dimensions").value
    yield from fills(ground, row, vectors, "vectors", "an index")
