"""A disk that fills up while `bench stages` measures: an own small one, in memory."""

from __future__ import annotations

from .._disk import clear, fill, small

WORK = "stages of cpython"
EXITS = (2,)


def place(scratch):
    """A small file system, where one can be mounted."""
    return small(scratch / "disk")


def find(driver, folder):
    """The driver; the run must have been made, which another test is about."""
    return [driver] if folder.exists() else []


def strike(process, folder):
    """Leave not one byte."""
    fill(folder.parent)


def heal(folder):
    """Remove what filled it."""
    clear(folder.parent)
