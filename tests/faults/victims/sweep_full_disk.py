"""A disk that fills up under `bench sweep`."""

from __future__ import annotations

from .._disk import clear, fill, small

WORK = "sweep on local"
EXITS = (2, 4)  # 4 where only cells had no space: they are lost and run again


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
