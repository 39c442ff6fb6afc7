"""A disk that fills up while `bench stages` measures: an own small one, in memory."""

from __future__ import annotations

from .._disk import find, heal, small, strike

__all__ = ["EXITS", "WORK", "find", "heal", "place", "strike"]

WORK = "stages of cpython"
EXITS = (2,)


def place(scratch):
    """A small file system, where one can be mounted."""
    return small(scratch / "disk")
