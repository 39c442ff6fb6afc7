"""The Worker as it is measured: warm, and at the first request of an isolate.

One isolate serves all routes, as in production. Where workerd can trace itself a second
process does the same under its trace, which tells the time under the lock; so every
request is carried out twice or more. Before a group, and before each first request, the
services are brought back to where they started, if requests change them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench.errors import BenchError
from bench.measure.process import Turn
from bench.path.http import Request
from bench.project._process import AGAIN, FLOOR, Process
from bench.project.scene import Scene

# Routes whose isolates share a process; a bundle may be large.
_TOGETHER = 12
Failures = dict[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """One request of a route; ``name`` is ``<route>#<number>``."""

    route: str
    number: int
    request: Request

    @property
    def name(self) -> str:
        """Unique among the cases of a scene."""
        return f"{self.route}#{self.number}"


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Requests of the whole mix before the first turn, and seconds that end them."""

    requests: int
    seconds: float


def cases_of(scene: Scene) -> dict[str, Case]:
    """Every request of the scene, by name."""
    found = [
        Case(route, number, request)
        for route, requests in scene.routes.items()
        for number, request in enumerate(requests)
    ]
    return {case.name: case for case in found}


class Warm:
    """A subject of `bench.measure.turns`; a turn is one request.

    A route that fails is noted in ``failures`` and costs nothing from then on, so that
    the others go on; its turns mean nothing.
    """

    def __init__(
        self,
        scene: Scene,
        cases: dict[str, Case],
        seed: int,
        failures: Failures,
        warm_up: WarmUp,
    ) -> None:
        self.seed = seed
        self.startup_cpu_ns = 0
        self._scene, self._cases, self._failures = scene, cases, failures
        self._warm_up = warm_up
        self._process = Process(scene, 1, 1)

    def ready(self) -> None:
        """Wait until both listen, and play the mix until they are warm."""
        self._process.ready()
        self._scene.reset()
        draw = random.Random(self.seed)
        cases, weights = list(self._cases.values()), _weights(self._scene, self._cases)
        until = time.monotonic() + self._warm_up.seconds
        # Every request once, whatever its weight, and then as often as they come.
        drawn = draw.choices(cases, weights, k=self._warm_up.requests)
        for number, case in enumerate([*cases, *drawn]):
            if number >= len(cases) and time.monotonic() > until:
                break
            if case.route not in self._failures:
                with self._noted(case.route):
                    self._process.ask(0, case.request)

    def turn(self, case: str, n: int = 1) -> Turn:
        """One request, and once more under the trace; its answer may be anything."""
        if case == FLOOR:
            return self._process.floor()
        known = self._cases[case]
        turn = Turn(case, 1, 1, 1, None, {})
        if known.route not in self._failures:
            with self._noted(known.route):
                turn = self._process.turn(case, known.request, 0, [0] * (1 + AGAIN))
        return turn

    def close(self) -> None:
        """End the processes; safe to call twice."""
        self._process.close()

    def _noted(self, route: str) -> _Noted:
        return _Noted(self._scene, self._failures, route)


class _Noted:
    """Notes an error of a route and goes on."""

    def __init__(self, scene: Scene, failures: Failures, route: str) -> None:
        self._scene, self._failures, self._route = scene, failures, route

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: object, _: object
    ) -> bool:
        if not isinstance(error, BenchError):
            return False
        self._failures[self._route] = self._scene.hide(str(error))
        return True


def _weights(scene: Scene, cases: dict[str, Case]) -> list[float]:
    """How often each case is asked: its route's share, over the route's requests."""
    return [
        scene.weights[case.route] / len(scene.routes[case.route])
        for case in cases.values()
    ]


def cold_rounds(
    scene: Scene, failures: Failures, *, seed: int
) -> Generator[dict[str, Turn]]:
    """Endless rounds: for each route the first request of a fresh isolate, by route.

    The request is drawn from the route's. The next processes start meanwhile. Close the
    generator to end them.
    """
    draw = random.Random(seed)
    every = list(scene.routes)
    parts = [every[i : i + _TOGETHER] for i in range(0, len(every), _TOGETHER)]
    with ExitStack() as stack:

        def start(part: int) -> Process:
            count = len(parts[part % len(parts)])
            # The one before them lets the process meet each kind of request; under the
            # trace there is a second one for a request that had to wait.
            process = Process(scene, 1 + count, 1 + 2 * count, resets=True)
            stack.callback(process.close)
            return process

        coming = start(0)
        while True:
            turns: dict[str, Turn] = {}
            for part, routes in enumerate(parts):
                present, coming = coming, start(part + 1)
                try:
                    present.ready()
                    turns |= _first(scene, present, routes, draw, failures)
                finally:
                    present.close()
            yield turns


def _first(
    scene: Scene,
    process: Process,
    routes: Sequence[str],
    draw: random.Random,
    failures: Failures,
) -> dict[str, Turn]:
    """The first request of each route's isolate, in random order."""
    turns = {}
    for number, route in draw.sample(list(enumerate(routes)), len(routes)):
        if route in failures:
            continue
        request = draw.choice(list(scene.routes[route]))
        place = 1 + number
        with _Noted(scene, failures, route):
            process.ask(0, request)
            places = [place, len(routes) + place]
            turns[route] = process.turn(route, request, place, places)
    return turns
