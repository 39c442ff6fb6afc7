"""A disk that fills up under `bench run`, its kernel and its report."""

from __future__ import annotations

from .._disk import find, heal, small, strike

__all__ = ["EXITS", "SLACK", "WORK", "find", "heal", "place", "strike"]

WORK = "run"
EXITS = (2,)
SLACK = 1  # the scene of a kernel that was ended


def place(scratch):
    """A small file system, where one can be mounted."""
    return small(scratch / "disk", "16m")
