"""A worker of Dask: what it was doing is done again, what had finished is not."""

from __future__ import annotations

from .._processes import family, named

WORK = "sweep on dask"
EXITS = ()
SLACK = 1  # of the cell that it ran


def find(driver, folder):
    """Every worker that runs."""
    mine = family(driver)
    return [each for each in mine if named(each, "engines._dask_node", " worker ")]
