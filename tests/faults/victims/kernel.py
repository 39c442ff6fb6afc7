"""The kernel of a notebook under `bench run`, as the killer of a full memory would."""

from __future__ import annotations

from .._processes import family, named

WORK = "run"
EXITS = ()  # the notebook is executed once more
SLACK = 1  # the scene of the kernel


def find(driver, folder):
    """The process that executes the cells of the notebook."""
    return [each for each in family(driver) if named(each, "ipykernel_launcher")]
