"""The scheduler of a local Dask cluster: the command ends, and goes on later."""

from __future__ import annotations

from .._processes import family, named

WORK = "sweep on dask"
EXITS = (1,)
SLACK = 2  # of cells that ran


def find(driver, folder):
    """The one process that knows all of them."""
    mine = family(driver)
    return [each for each in mine if named(each, "engines._dask_node", " scheduler ")]
