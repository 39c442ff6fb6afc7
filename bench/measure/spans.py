"""CPU per stage from inside the path: the meter that the path calls at its seams.

The meter reads the thread's CPU clock (about 0.2 us a reading) when a stage or a
call to the outside begins and ends. What a stage costs without its calls is its
compute; the calls are the HTTP client's work, which on Workers happens outside the
isolate lock and is not charged.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class SpanMeter:
    """Collects CPU ns by stage; one instance per request.

    ``spans`` maps a stage to [cpu, io]: all CPU of the stage, and the part of it
    that was spent in calls to the outside.
    """

    def __init__(self, clock: Callable[[], int] = time.thread_time_ns) -> None:
        self.spans: dict[str, list[int]] = {}
        self._clock = clock
        self._stage_began = self._io_began = 0
        self._current: list[int] | None = None

    def enter(self, stage: str) -> None:
        """A stage begins; stages do not nest."""
        self._current = self.spans.setdefault(stage, [0, 0])
        self._stage_began = self._clock()

    def leave(self, stage: str) -> None:
        """The stage ends."""
        self.spans[stage][0] += self._clock() - self._stage_began
        self._current = None

    def io_enter(self) -> None:
        """A call to the outside begins."""
        self._io_began = self._clock()

    def io_leave(self) -> None:
        """The call ends; it is charged to the stage that made it."""
        spent = self._clock() - self._io_began
        if self._current is not None:
            self._current[1] += spent
