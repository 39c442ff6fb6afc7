"""A workerd that is being measured: its cell has an error, the others are kept."""

from __future__ import annotations

from .._processes import family, named

WORK = "stages of workerd"
EXITS = (4,)


def find(driver, folder):
    """Every workerd that runs."""
    return [each for each in family(driver) if named(each, "workerd", "config.capnp")]
