"""Which core measures and which cores drive.

The measured processes get one core to themselves, the last one that this process may
use; the driver, the services and processes that are still starting use the others.
"""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cores:
    """``measuring`` is None where the system cannot pin (macOS)."""

    measuring: int | None
    driving: frozenset[int]

    @property
    def shared(self) -> bool:
        """Whether the driver must run on the measuring core too."""
        return self.measuring is None or self.measuring in self.driving


def plan() -> Cores:
    """Cores by role, from the affinity mask that this process was given."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores(None, frozenset())
    allowed = sorted(os.sched_getaffinity(0))
    measuring = allowed[-1]
    return Cores(measuring, frozenset(allowed[:-1] or allowed))


def pin(pid: int, cores: frozenset[int] | set[int]) -> None:
    """Bind a process (0: the caller) to ``cores``; nothing where unsupported."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, cores)
