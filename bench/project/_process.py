"""Copies of somebody's Worker in two processes: what a request to one of them costs.

One process is measured by its thread's CPU; the other does the same under workerd's
trace, which costs CPU itself and tells the time under the isolate lock.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from bench.measure.process import Turn
from bench.path.http import Request
from bench.project.requests import url
from bench.project.scene import CALLS, Scene, status_of
from bench.workerd import tools
from bench.workerd.isolates import Cost, Isolates
from bench.workerd.process import WorkerdError

FLOOR = "floor"
"""The case of the empty Worker."""
# Times that a traced request is sent again when it had to wait for its core.
AGAIN = 2
# workerd closes a connection that was idle for 5 s (kj, HttpServerSettings).
IDLE_S = 4.0
_EMPTY = Request("GET", url("/"), {}, b"")


class Process:
    """Isolates with and without trace, asked in turn."""

    def __init__(
        self, scene: Scene, count: int, traced: int, *, resets: bool = False
    ) -> None:
        """``resets`` the services before each request that is measured."""
        self._scene, self._resets = scene, resets
        self.plain = scene.isolates(count)
        has_trace = tools.features().async_trace
        self.traced = scene.isolates(traced, trace=True) if has_trace else None
        self.count = count
        self._asked: dict[tuple[bool, int], float] = {}

    def ready(self) -> None:
        """Wait until both listen."""
        for isolates in self._both():
            isolates.ready()

    def ask(self, place: int, request: Request) -> int:
        """Send ``request`` to the isolate ``place`` of both; the last status."""
        status = 0
        for isolates in self._both():
            self._wake(isolates, place)
            status = status_of(request, isolates.ask(place, request))
        return status

    def turn(
        self, case: str, request: Request, place: int, places: Sequence[int]
    ) -> Turn:
        """One request at ``place``, and once more under the trace at one of
        ``places``: the first that did not wait for its core.

        ``extra`` has ``status``, ns ``helpers`` and ``locked``, and calls by service.
        """
        self._wake(self.plain, place)
        self._reset()
        before = self._scene.used()
        cost, answer = self._cost(self.plain, place, request)
        used = self._scene.used() - before
        extra = {
            "status": status_of(request, answer),
            "helpers": cost.helpers,
            "subrequests": sum(n for name, n in used.items() if name.startswith(CALLS)),
            **used,
        }
        if self.traced is not None and places:
            traced = self._undisturbed(request, places)
            if traced.locked is not None:
                # Wall time: where the thread had to wait for its core after all, what
                # it worked in the same request is the most that can be charged.
                extra["locked"] = min(traced.locked, traced.cpu)
        return Turn(case, 1, cost.cpu, cost.wall, cost.run_delay, extra)

    def floor(self) -> Turn:
        """A request to the empty Worker."""
        cost, _ = self._cost(self.plain, self.count, _EMPTY)
        return Turn(FLOOR, 1, cost.cpu, cost.wall, cost.run_delay, {})

    def close(self) -> None:
        """End both; safe to call twice."""
        for isolates in self._both():
            isolates.close()

    def _both(self) -> Iterator[Isolates]:
        yield self.plain
        if self.traced is not None:
            yield self.traced

    def _cost(
        self, isolates: Isolates, place: int, request: Request
    ) -> tuple[Cost, tuple[int, bytes]]:
        self._wake(isolates, place)
        try:
            return isolates.cost(place, request)
        finally:
            self._asked[isolates is self.plain, place] = time.monotonic()

    def _wake(self, isolates: Isolates, place: int) -> None:
        """Let a connection that has rested be closed and made anew, uncounted."""
        key = isolates is self.plain, place
        rested = time.monotonic() - self._asked.get(key, time.monotonic())
        if rested > IDLE_S:
            with suppress(WorkerdError):
                isolates.ask(place, _EMPTY)
        self._asked[key] = time.monotonic()

    def _reset(self) -> None:
        if self._resets:
            self._scene.reset()

    def _undisturbed(self, request: Request, places: Sequence[int]) -> Cost:
        assert self.traced is not None  # noqa: S101 - asked by turn
        costs = []
        for place in places:
            self._reset()
            costs.append(self._cost(self.traced, place, request)[0])
            if _waited(costs[-1]) <= 0:
                break
        return min(costs, key=_waited)


def _waited(cost: Cost) -> int:
    """Ns that the main thread waited for its core, its own helpers aside."""
    return (cost.run_delay or 0) - cost.helpers
