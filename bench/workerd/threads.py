"""CPU of one process's threads, read from outside: the main one and its helpers apart.

workerd runs all JavaScript and all I/O on its main thread; V8's helpers collect
garbage and compile beside it. Both come from /proc/<pid>/task/<tid>/schedstat, in ns:
time on a core, time ready without one (Linux, Documentation/scheduler/sched-stats).
Elsewhere only the process as a whole can be read, and no run delay.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

# How long the main thread must have slept before a request counts as finished: what
# follows the last byte (waitUntil, tidying up) comes without a pause.
QUIET_S = 0.0004
LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Reading:
    """Totals since the process started, in ns; ``run_delay`` None where unknown."""

    cpu: int
    run_delay: int | None
    helpers: int


class Threads:
    """Reads the threads of ``pid``."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._tasks = Path(f"/proc/{pid}/task")
        self._linux = sys.platform == "linux"

    def now(self) -> Reading:
        """What was used so far, for a process that sleeps."""
        return Reading(*self._main(), self._helpers())

    def settled(self) -> Reading:
        """What was used until the main thread has gone to sleep.

        The kernel's count of a running thread lags until it leaves its core. Raises
        ProcessLookupError when the process has ended.
        """
        until = time.monotonic() + LIMIT_S
        before = self._main()
        while True:
            time.sleep(QUIET_S)
            now = self._main()
            if (now == before and self._sleeps()) or time.monotonic() > until:
                return Reading(*now, self._helpers())
            before = now

    def pin(self, core: int) -> None:
        """Bind every thread to ``core``; threads to come inherit it."""
        for task in self._tasks.iterdir():
            os.sched_setaffinity(int(task.name), {core})

    def _main(self) -> tuple[int, int | None]:
        if not self._linux:
            return self._process(), None
        return self._schedstat(self._pid)

    def _sleeps(self) -> bool:
        if not self._linux:
            return True
        stat = (self._tasks / str(self._pid) / "stat").read_bytes()
        state = stat.rpartition(b")")[2].split()[0]
        if state in b"ZX":  # it has ended, and nobody has asked how yet
            raise ProcessLookupError(self._pid)
        return state == b"S"

    def _helpers(self) -> int:
        if not self._linux:
            return 0
        others = (int(task.name) for task in self._tasks.iterdir())
        return sum(self._schedstat(tid)[0] for tid in others if tid != self._pid)

    def _schedstat(self, tid: int) -> tuple[int, int]:
        try:
            fields = (self._tasks / str(tid) / "schedstat").read_bytes().split()
        except FileNotFoundError:
            if tid == self._pid:
                raise ProcessLookupError(tid) from None
            return 0, 0  # a helper that has ended meanwhile
        return int(fields[0]), int(fields[1])

    def _process(self) -> int:
        import psutil

        try:
            times = psutil.Process(self._pid).cpu_times()
        except psutil.NoSuchProcess:
            raise ProcessLookupError(self._pid) from None
        return round((times.user + times.system) * 1e9)
