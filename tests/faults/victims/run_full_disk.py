"""A disk that fills up under `bench run`, its kernel and its report."""

from __future__ import annotations

from .._disk import clear, fill, small

WORK = "run"
EXITS = (2,)
SLACK = 1  # the scene of a kernel that was ended


def place(scratch):
    """A small file system, where one can be mounted."""
    return small(scratch / "disk", "16m")


def find(driver, folder):
    """The driver; the run must have been made, which another test is about."""
    return [driver] if folder.exists() else []


def strike(process, folder):
    """Leave not one byte."""
    fill(folder.parent)


def heal(folder):
    """Remove what filled it."""
    clear(folder.parent)
