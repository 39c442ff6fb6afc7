"""Which core measures and which cores drive.

The measured processes get one core to themselves, the last one that this process may
use; the driver, the services and processes that are still starting use the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Cores:
    """``measuring`` is None where the system cannot pin (macOS)."""

    measuring: int | None
    driving: frozenset[int]


@cache
def plan() -> Cores:
    """Cores by role, from the affinity mask that this process was given.

    Decided once: the driver then leaves the measuring core (``driving``), and its own
    mask no longer tells which cores there are.
    """
    if not hasattr(os, "sched_getaffinity"):
        return Cores(None, frozenset())
    allowed = sorted(os.sched_getaffinity(0))
    measuring = allowed[-1]
    return Cores(measuring, frozenset(allowed[:-1] or allowed))


@contextmanager
def driving() -> Iterator[Cores]:
    """Keep the caller, and what it starts, off the measuring core for a while."""
    cores = plan()
    before = os.sched_getaffinity(0) if cores.driving else set()
    pin(0, cores.driving)
    try:
        yield cores
    finally:
        pin(0, before)


def pin(pid: int, cores: frozenset[int] | set[int]) -> None:
    """Bind a process (0: the caller) to ``cores``; nothing where unsupported."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, cores)
