"""CPU, run delay and wall time of the calling thread, each from its own clock.

A wall time is never called CPU. CPU comes from the thread's own clock; run delay (the
time the thread was ready and had no core) comes from the second field of
``/proc/thread-self/schedstat`` (Linux kernel, Documentation/scheduler/sched-stats).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

SCHEDSTAT = "/proc/thread-self/schedstat"


@dataclass(frozen=True, slots=True)
class Elapsed:
    """What one turn cost, in ns; ``run_delay`` is None where the system has none."""

    cpu: int
    wall: int
    run_delay: int | None


class ThreadClock:
    """Stop watch of the thread that made it."""

    def __init__(self) -> None:
        self._schedstat = _open(SCHEDSTAT)
        self._cpu = self._wall = 0
        self._delay: int | None = None

    def start(self) -> None:
        """Begin a turn. The CPU clock is read last, so that reading costs nothing."""
        self._delay = self._run_delay()
        self._wall = time.perf_counter_ns()
        self._cpu = time.thread_time_ns()

    def stop(self) -> Elapsed:
        """End the turn; the CPU clock is read first."""
        cpu = time.thread_time_ns() - self._cpu
        wall = time.perf_counter_ns() - self._wall
        after = self._run_delay()
        before = self._delay
        delay = None if before is None or after is None else after - before
        return Elapsed(cpu, wall, delay)

    def _run_delay(self) -> int | None:
        if self._schedstat is None:
            return None
        return int(os.pread(self._schedstat, 64, 0).split()[1])


def _open(path: str) -> int | None:
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    # Some kernels offer the file with the counters switched off: all zeros.
    if not os.pread(handle, 64, 0).strip(b"0 \n"):
        os.close(handle)
        return None
    return handle
