"""The process of one cell of a sweep: the cell is tried again."""

from __future__ import annotations

from .._processes import family, named

WORK = "sweep on local"
EXITS = ()
SLACK = 1  # of the cell


def find(driver, folder):
    """Every cell that runs."""
    return [each for each in family(driver) if named(each, "bench.sweep._child")]
