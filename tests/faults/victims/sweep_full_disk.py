"""A disk that fills up under `bench sweep`."""

from __future__ import annotations

from .._disk import find, heal, small, strike

__all__ = ["EXITS", "WORK", "find", "heal", "place", "strike"]

WORK = "sweep on local"
EXITS = (2, 4)  # 4 where only cells had no space: they are lost and run again


def place(scratch):
    """A small file system, where one can be mounted."""
    return small(scratch / "disk")
