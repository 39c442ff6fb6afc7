"""The process between driver and kernel, which executes a notebook by papermill."""

from __future__ import annotations

from .._processes import family, named

WORK = "run"
EXITS = ()  # the notebook is executed once more
SLACK = 1  # the scene of the kernel


def find(driver, folder):
    """The process that papermill runs in."""
    return [each for each in family(driver) if named(each, "bench.batch.execute")]
