"""The Worker as it is measured: warm, and at the first request of an isolate.

Every case has an isolate of its own, as in production one Worker serves one workload:
what V8 has learned from one, and the garbage of another, must not help or hinder it.
Where workerd can trace itself a second process does the same under its trace, which
tells the time under the lock.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from bench.errors import BenchError
from bench.measure.process import Turn
from bench.workerd import tools
from bench.workerd.fleet import Fleet
from bench.workerd.isolates import Cost
from bench.workerd.process import WorkerdError
from bench.workloads import Replay
from bench.workloads._scene import CALLS, Scene

# Times that a traced request is sent again when it had to wait for its core.
AGAIN = 2
# workerd closes a connection that was idle for 5 s (kj, HttpServerSettings).
IDLE_S = 4.0
Failures = dict[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """One request of a workload on a route."""

    workload: str
    route: str
    replay: Replay

    @property
    def name(self) -> str:
        """Such as ``documents/native/1 MB``."""
        return f"{self.workload}/{self.route}/{self.replay.fixture}"

    @property
    def place(self) -> tuple[str, str]:
        """Workload and route."""
        return self.workload, self.route


Cases = Mapping[str, Case]


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Requests that a case gets before its first turn, and seconds that end them."""

    requests: int
    seconds: float


def check(scene: Scene, cases: Cases) -> Failures:
    """What is wrong with which case, sent twice; nothing is timed."""
    wrong = {}
    try:
        with scene.isolates(len(cases)) as fleet:
            for place, case in enumerate(cases.values()):
                try:
                    for _ in range(2):
                        _hold(case, fleet.ask(place, case.replay.request))
                        _hold_told(scene, case)
                except BenchError as error:
                    wrong[case.name] = str(error)
    except BenchError as error:
        return dict.fromkeys(cases, str(error))
    return wrong


class Warm:
    """A subject of `bench.measure.turns`; a turn is one request of a case.

    ``extra`` has the number of ``subrequests``, what `Scene.used` counted of it, as far
    as it is not zero, and, where there is a trace, ns ``locked``. A case that fails is
    noted in ``failures`` and costs nothing from then on, so that the others go on; its
    turns mean nothing.
    """

    def __init__(
        self, scene: Scene, cases: Cases, seed: int, failures: Failures, warm_up: WarmUp
    ) -> None:
        self.seed = seed
        self.startup_cpu_ns = 0
        self._scene, self._cases, self._failures = scene, cases, failures
        self._place = {name: place for place, name in enumerate(cases)}
        self._asked_at: dict[str, float] = {}
        self._warm_up = warm_up
        self._plain = scene.isolates(len(cases))
        self._traced = _traced(scene, len(cases))

    def ready(self) -> None:
        """Wait until all listen and are warm, on the measuring core."""
        for fleet in _both(self._plain, self._traced):
            fleet.ready()
        for name, case in self._cases.items():
            if name not in self._failures:
                for fleet in _both(self._plain, self._traced):
                    self._warm(fleet, case)
                self._asked_at[name] = time.monotonic()

    def turn(self, case: str, n: int = 1) -> Turn:
        """One request, answered rightly, and once more under the trace."""
        if case in self._failures:
            return _nothing(case)
        place = self._place[case]
        try:
            self._wake(case)
            return _turn(
                self._scene,
                self._cases[case],
                (self._plain, place),
                (self._traced, [place] * (1 + AGAIN)),
            )
        except BenchError as error:
            self._failures[case] = str(error)
            return _nothing(case)
        finally:
            self._asked_at[case] = time.monotonic()

    def close(self) -> None:
        """End the processes; safe to call twice."""
        for fleet in _both(self._plain, self._traced):
            fleet.close()

    def _wake(self, name: str) -> None:
        """Ask once, uncounted, what has rested: its connection may be closed."""
        if time.monotonic() - self._asked_at[name] < IDLE_S:
            return
        case = self._cases[name]
        for fleet in _both(self._plain, self._traced):
            with suppress(WorkerdError):
                fleet.ask(self._place[name], case.replay.request)

    def _warm(self, fleet: Fleet, case: Case) -> None:
        until = time.monotonic() + self._warm_up.seconds
        try:
            for _ in range(self._warm_up.requests):
                _hold(case, fleet.ask(self._place[case.name], case.replay.request))
                if time.monotonic() > until:
                    break
        except BenchError as error:
            self._failures[case.name] = str(error)


class _Fresh:
    """Isolates that were never asked: one for each case and, under the trace, a second
    one for a request that had to wait. The one before them lets the process meet each
    kind of request."""

    def __init__(self, scene: Scene, cases: Cases) -> None:
        self._scene, self._cases = scene, cases
        self._plain = scene.isolates(1 + len(cases))
        self._traced = _traced(scene, 1 + 2 * len(cases))

    def turns(self, draw: random.Random, failures: Failures) -> dict[str, Turn]:
        """The first request of each case's isolate, in random order."""
        for fleet in _both(self._plain, self._traced):
            fleet.ready()
        turns = {}
        places = list(enumerate(self._cases.values(), start=1))
        for place, case in draw.sample(places, len(places)):
            if case.name in failures:
                continue
            spare = [place, len(self._cases) + place]
            try:
                for fleet in _both(self._plain, self._traced):
                    _hold(case, fleet.ask(0, case.replay.request))
                turns[case.name] = _turn(
                    self._scene, case, (self._plain, place), (self._traced, spare)
                )
            except BenchError as error:
                failures[case.name] = str(error)
        return turns

    def close(self) -> None:
        for fleet in _both(self._plain, self._traced):
            fleet.close()


def cold_rounds(
    scene: Scene, cases: Cases, failures: Failures, *, seed: int
) -> Generator[dict[str, Turn]]:
    """Endless rounds: the first request of a fresh isolate for each of ``cases``.

    The next processes start meanwhile. A case that fails is noted in ``failures`` and
    left out from then on. Close the generator to end the processes.
    """
    draw = random.Random(seed)
    with ExitStack() as stack:

        def start() -> _Fresh:
            fresh = _Fresh(scene, cases)
            stack.callback(fresh.close)
            return fresh

        coming = start()
        while True:
            present, coming = coming, start()
            try:
                yield present.turns(draw, failures)
            finally:
                present.close()


def _turn(
    scene: Scene,
    case: Case,
    plain: tuple[Fleet, int],
    traced: tuple[Fleet | None, Sequence[int]],
) -> Turn:
    before = scene.used()
    cost = _cost(case, *plain)
    used = scene.used() - before
    calls = sum(each for name, each in used.items() if name.startswith(CALLS))
    extra = {"subrequests": calls, **used}
    fleet, places = traced
    if fleet is not None:
        locked = _undisturbed(case, fleet, places).locked
        extra |= {} if locked is None else {"locked": locked}
    return Turn(case.name, 1, cost.cpu, cost.wall, cost.run_delay, extra)


def _cost(case: Case, fleet: Fleet, place: int) -> Cost:
    cost, answer = fleet.cost(place, case.replay.request)
    _hold(case, answer)
    return cost


def _undisturbed(case: Case, fleet: Fleet, places: Sequence[int]) -> Cost:
    """The first request at one of ``places`` that did not wait for its core, else the
    one that waited least. Time under the lock is wall time."""
    costs = []
    for place in places:
        costs.append(_cost(case, fleet, place))
        if _waited(costs[-1]) <= 0:
            break
    return min(costs, key=_waited)


def _waited(cost: Cost) -> int:
    """Ns that the main thread waited for its core, its own helpers aside."""
    return (cost.run_delay or 0) - cost.helpers


def _hold(case: Case, answer: tuple[int, bytes]) -> None:
    """Raise BenchError unless ``answer`` is the one that the case must have."""
    expected = case.replay.answer
    if answer != expected:
        raise BenchError(
            f"{case.name} answered {answer[0]} {answer[1][:200]!r} "
            f"({len(answer[1]):,} bytes), not {expected[0]} {expected[1][:200]!r} "
            f"({len(expected[1]):,} bytes)"
        )


def _hold_told(scene: Scene, case: Case) -> None:
    """Hold what the model was told, which its recorded answer does not show."""
    told = case.replay.told
    if told is not None and scene.told() != told:
        raise BenchError(f"{case.name} told the model something else than in Python")


def _traced(scene: Scene, count: int) -> Fleet | None:
    return scene.isolates(count, trace=True) if tools.features().async_trace else None


def _both(plain: Fleet, traced: Fleet | None) -> list[Fleet]:
    return [plain] if traced is None else [plain, traced]


def _nothing(case: str) -> Turn:
    return Turn(case, 1, 1, 1, None, {})
