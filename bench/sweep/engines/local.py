"""Cells on this machine, each in processes of its own.

One loop starts, watches and ends them, without threads: an interruption reaches it
between two looks, and ends every cell that runs.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import UserError, writing
from bench.measure import affinity
from bench.sweep import _cores
from bench.sweep._cell import LOST, Cell
from bench.sweep._cores import Hold, Place
from bench.sweep.engines import Keep, Options
from bench.sweep.work import Attempt

HELP = "processes on this machine, one measuring cell on each pair of cores"


def create(options: Options) -> Local:
    """The engine. Raises UserError for a scheduler, of which it has none."""
    if options.scheduler is not None:
        raise UserError(
            "means nothing to the engine `local`",
            field="--scheduler",
            remedy="leave it out, or add --engine dask",
        )
    return Local(options)


@dataclass(slots=True)
class _Running:
    attempt: Attempt
    count: int
    place: Place | None
    held: Hold | None


class Local:
    """As many cells at once as this machine has room for."""

    def __init__(self, options: Options) -> None:
        """See ``create``."""
        self._options = options
        self._running: list[_Running] = []

    def run(self, cells: Sequence[Cell], keep: Keep) -> None:
        """See ``Engine.run``."""
        waiting = deque((cell, 1) for cell in cells)
        measuring = any(cell.measures for cell in cells)
        cores = _cores.allowed()
        self._places = _cores.places(cores) if measuring else []
        # Beside cells that measure there is room only where no place is.
        self._shared = _cores.rest(cores, self._places)
        self._room = len(self._shared) or (0 if measuring else os.cpu_count() or 1)
        if measuring and not self._room and not all(c.measures for c in cells):
            # Then analyses come last: both at once would disturb the measurement.
            waiting = deque(sorted(waiting, key=lambda each: not each[0].measures))
        # What fails on the way is the disk: a full one, or a folder that has gone.
        with _off(self._places), writing(self._options.scratch):
            try:
                while waiting or self._running:
                    self._start(waiting)
                    for running in [*self._running]:
                        self._look(running, waiting, keep)
                    time.sleep(_cores.POLL_S)
            finally:
                for running in self._running:
                    running.attempt.end()
                    _let_go(running)
                self._running = []

    def _start(self, waiting: deque[tuple[Cell, int]]) -> None:
        """Start cells in order while there is room for the first that waits."""
        while waiting:
            cell, count = waiting[0]
            place, held, cores = None, None, self._shared
            if cell.measures:
                if not self._room and self._beside():
                    return
                place, held = self._free_place()
                if place is None:
                    if not self._running:
                        self._options.note("another sweep measures; waiting for a core")
                    return
                cores = place.cores
            elif not self._has_room():
                return
            waiting.popleft()
            folder = Path(tempfile.mkdtemp(prefix="cell-", dir=self._options.scratch))
            handles = held.handles if held else []
            attempt = Attempt(cell, folder, cores, handles)
            self._running.append(_Running(attempt, count, place, held))

    def _free_place(self) -> tuple[Place | None, Hold | None]:
        """A place that neither this sweep nor another one uses, with its locks."""
        used = {running.place for running in self._running}
        for place in self._places:
            held = None if place in used else _cores.hold(place)
            if held is not None:
                return place, held
        return None, None

    def _beside(self) -> int:
        """How many analyses run."""
        return sum(running.place is None for running in self._running)

    def _has_room(self) -> bool:
        """Whether an analysis may start."""
        if self._room:
            return self._beside() < self._room
        # Every core belongs to a place: one after the other, once these are empty.
        return not self._running

    def _look(
        self, running: _Running, waiting: deque[tuple[Cell, int]], keep: Keep
    ) -> None:
        outcome = running.attempt.poll()
        if outcome is None:
            return
        self._running.remove(running)
        _let_go(running)
        cell = running.attempt.cell
        if outcome.status == LOST and running.count < self._options.attempts:
            waiting.append((cell, running.count + 1))
            return
        keep(cell, replace(outcome, attempts=running.count), running.attempt.folder)


def _let_go(running: _Running) -> None:
    if running.held is not None:
        running.held.release()


@contextmanager
def _off(places: list[Place]) -> Iterator[None]:
    """Keep this process off the measuring cores, where it has another one."""
    before = _cores.allowed()
    left = before - {place.measuring for place in places}
    if len(left) < len(before):
        affinity.pin(0, left)
    try:
        yield
    finally:
        affinity.pin(0, before)
