"""The Worker as it is measured: warm, and at the first request of an isolate.

Every option has an isolate of its own, as in production one Worker has one option: what
V8 has learned from one must not help or hinder another. Where workerd can trace itself
a second process does the same under its trace, which tells the time under the lock.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import ExitStack

from bench.errors import BenchError
from bench.measure.process import Turn
from bench.offload import OPTIONS
from bench.offload.scene import Answer, Scene
from bench.workerd import tools
from bench.workerd.isolates import Cost, Isolates

# Times that a traced request is sent again when it had to wait for its core.
AGAIN = 3
Failures = dict[str, str]


class Warm:
    """A subject of `bench.measure.turns`; a turn is n requests of a case.

    ``extra`` has in ns ``helpers`` and, where there is a trace, ``locked`` and what of
    it may be waiting for the core, ``waited``; and in bytes ``sent`` and ``received``,
    bodies only; each for all n requests. A case that fails is noted in ``failures`` and
    costs nothing from then on, so that the others go on; its turns mean nothing.
    """

    def __init__(self, scene: Scene, seed: int, failures: Failures) -> None:
        self.seed = seed
        self.startup_cpu_ns = 0
        self._scene, self._failures = scene, failures
        self._isolate = {name: place for place, name in enumerate(OPTIONS)}
        self._plain = scene.isolates(len(OPTIONS))
        self._traced = _traced(scene, len(OPTIONS))

    def ready(self) -> None:
        """Wait until all listen, on the measuring core. Raises WorkerdError."""
        for isolates in (self._plain, self._traced):
            if isolates is not None:
                isolates.ready()

    def turn(self, case: str, n: int = 1) -> Turn:
        """``n`` requests, each answered rightly, and each once more under the trace."""
        if case in self._failures:
            return _nothing(case, n)
        try:
            return _sum(case, [self._one(case) for _ in range(n)])
        except BenchError as error:
            self._failures[case] = str(error)
            return _nothing(case, n)

    def close(self) -> None:
        """End the processes; safe to call twice."""
        for isolates in (self._plain, self._traced):
            if isolates is not None:
                isolates.close()

    def _one(self, case: str) -> Turn:
        option, _ = self._scene.cases[case]
        isolate = self._isolate[option.name]
        cost, answer = self._scene.cost(case, self._plain, isolate)
        if self._traced is None:
            return _turn(case, cost, answer)
        traced = _undisturbed(self._scene, case, self._traced, [isolate] * (1 + AGAIN))
        return _turn(case, cost, answer, traced)


class _Fresh:
    """Isolates that were never asked: one for each of ``cases`` and, under the trace,
    a second one for a request that had to wait. The one before them lets the process
    meet each kind of request."""

    def __init__(self, scene: Scene, cases: Sequence[str]) -> None:
        self._scene, self._cases = scene, cases
        self._plain = scene.isolates(1 + len(cases))
        self._traced = _traced(scene, 1 + 2 * len(cases))

    def turns(self, draw: random.Random, failures: Failures) -> dict[str, Turn]:
        """The first request of each case's isolate, in random order."""
        for isolates in (self._plain, self._traced):
            if isolates is not None:
                isolates.ready()
        turns = {}
        places = dict(enumerate(self._cases, start=1))
        for place, case in draw.sample([*places.items()], len(places)):
            if case in failures:
                continue
            try:
                turns[case] = self._first(place, case)
            except BenchError as error:
                failures[case] = str(error)
        return turns

    def close(self) -> None:
        for isolates in (self._plain, self._traced):
            if isolates is not None:
                isolates.close()

    def _first(self, place: int, case: str) -> Turn:
        self._scene.cost(case, self._plain, 0)
        cost, answer = self._scene.cost(case, self._plain, place)
        if self._traced is None:
            return _turn(case, cost, answer)
        self._scene.cost(case, self._traced, 0)
        places = [place, len(self._cases) + place]
        traced = _undisturbed(self._scene, case, self._traced, places)
        return _turn(case, cost, answer, traced)


def cold_rounds(
    scene: Scene, cases: Sequence[str], failures: Failures, *, seed: int
) -> Generator[dict[str, Turn]]:
    """Endless rounds: the first request of a fresh isolate for each of ``cases``.

    The isolates of one size share a process; the next process starts meanwhile. A case
    that fails is noted in ``failures`` and left out from then on. Close the generator
    to end the processes.
    """
    draw = random.Random(seed)
    by_size: dict[str, list[str]] = {}
    for case in cases:
        by_size.setdefault(scene.cases[case][1].size, []).append(case)
    with ExitStack() as stack:

        def start(size: str) -> _Fresh:
            fresh = _Fresh(scene, by_size[size])
            stack.callback(fresh.close)
            return fresh

        sizes = list(by_size)
        coming = start(sizes[0])
        while True:
            turns: dict[str, Turn] = {}
            for place in range(len(sizes)):
                present = coming
                coming = start(sizes[(place + 1) % len(sizes)])
                try:
                    turns |= present.turns(draw, failures)
                finally:
                    present.close()
            yield turns


def _traced(scene: Scene, count: int) -> Isolates | None:
    if not tools.features().async_trace:
        return None
    return scene.isolates(count, trace=True)


def _undisturbed(
    scene: Scene, case: str, isolates: Isolates, places: Sequence[int]
) -> Cost:
    """The first request at one of ``places`` that did not wait for its core, else the
    one that waited least. Time under the lock is wall time."""
    costs = []
    for place in places:
        cost, _ = scene.cost(case, isolates, place)
        costs.append(cost)
        if _waiting(cost) <= 0:
            break
    return min(costs, key=_waiting)


def _waiting(cost: Cost) -> int:
    """Ns that the main thread waited for its core, its own helpers aside."""
    return (cost.run_delay or 0) - cost.helpers


def _turn(case: str, cost: Cost, answer: Answer, traced: Cost | None = None) -> Turn:
    extra = {
        "helpers": cost.helpers,
        "sent": answer.sent,
        "received": answer.received,
    }
    if traced is not None and traced.locked is not None:
        extra |= {"locked": traced.locked, "waited": max(0, _waiting(traced))}
    return Turn(case, 1, cost.cpu, cost.wall, cost.run_delay, extra)


def _nothing(case: str, n: int) -> Turn:
    return Turn(case, n, n, n, None, {})


def _sum(case: str, turns: Sequence[Turn]) -> Turn:
    delays = [turn.run_delay for turn in turns]
    known = [delay for delay in delays if delay is not None]
    extra: Counter[str] = Counter()
    for turn in turns:
        extra.update(turn.extra)
    return Turn(
        case,
        len(turns),
        sum(turn.cpu for turn in turns),
        sum(turn.wall for turn in turns),
        sum(known) if len(known) == len(delays) else None,
        dict(extra),
    )
