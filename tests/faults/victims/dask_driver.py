"""The driver of `bench sweep --engine dask`: the cluster that it started ends, too."""

from __future__ import annotations

WORK = "sweep on dask"
EXITS = (-9,)
SLACK = 2  # of cells that ran


def find(driver, folder):
    """The process that the user started."""
    return [driver]
