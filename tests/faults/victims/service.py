"""The process of the services: what needs it fails, what had finished stays."""

from __future__ import annotations

from .._processes import family, named

WORK = "stages of cpython"
EXITS = (1, 4)  # 1 where it had not yet said where it listens


def find(driver, folder):
    """The one process that serves all of them."""
    return [each for each in family(driver) if named(each, "bench.services._server")]
