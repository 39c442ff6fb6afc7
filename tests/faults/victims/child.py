"""A measured process: its cell has an error, the others are kept."""

from __future__ import annotations

from .._processes import family, named

WORK = "stages of cpython"
EXITS = (4,)


def find(driver, folder):
    """Every measured process that runs."""
    return [each for each in family(driver) if named(each, "bench.measure.child")]
