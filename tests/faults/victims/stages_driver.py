"""The driver of `bench stages`: what it measured with ends by itself."""

from __future__ import annotations

WORK = "stages of cpython"
EXITS = (-9,)
SLACK = 1  # the scene


def find(driver, folder):
    """The process that the user started."""
    return [driver]
