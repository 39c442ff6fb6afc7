"""The driver of `bench run`: its notebook ends by itself, and the run resumes."""

from __future__ import annotations

WORK = "run"
EXITS = (-9,)
# Folders of the batch and of the scene that the kernel had staged.
SLACK = 2


def find(driver, folder):
    """The process that the user started."""
    return [driver]
