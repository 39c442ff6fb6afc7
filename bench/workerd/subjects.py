"""What the measured roles in workerd have in common: requests, checks, turns.

Timers inside a Worker have whole milliseconds, so a stage is measured from outside:
the path is ended after each of its stages in turn, and what one stage more costs is
that stage's share. The stage meets the state of a real request there, fresh arrays and
all. Where workerd can trace itself, a second process does the same under its trace,
which tells what of the stage was spent under the isolate lock.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from bench.errors import BenchError
from bench.measure.process import Turn
from bench.measure.samples import NOTHING
from bench.path import stages
from bench.path.http import Request
from bench.workerd.fleet import Fleet
from bench.workerd.isolates import Cost
from bench.workerd.process import QUEUE_PATH

if TYPE_CHECKING:
    from bench.runtimes import Scene

Answer = tuple[int, bytes]
# The result of the trigger for a batch that was acknowledged.
_ACKNOWLEDGED = b'{"outcome":"ok","retried":false}'
# Modules: the Worker with its ended paths, and the Worker as it is.
MEASURED, WHOLE = "measured", "whole"


def ended_after(request: Request, stages_kept: int) -> Request:
    """``request`` to the module ``measured``, to be ended after that many stages."""
    if request.path == QUEUE_PATH:
        return replace(request, path=f"{QUEUE_PATH}?cut={stages_kept}")
    return replace(request, headers={**request.headers, "x-cut": str(stages_kept)})


def check(
    scene: Scene, invocation: str, answer: Answer, other: Answer | None = None
) -> None:
    """Hold an answer to the Python path's, byte for byte, or to the ``other`` one of
    a path with other options. Raises BenchError."""
    expected = other or scene.expected[invocation]
    if scene.world.requests[invocation].path == QUEUE_PATH:
        expected = (200, _ACKNOWLEDGED)
    if answer != expected:
        raise BenchError(
            f"{invocation} answered {answer[0]} {answer[1][:200]!r}, "
            f"not {expected[0]} {expected[1][:200]!r}"
        )


def check_empty(invocation: str, answer: Answer) -> None:
    """Hold an answer of the floor, or of an ended path, to what it must be."""
    if answer not in ((200, b""), (200, _ACKNOWLEDGED)):
        raise BenchError(f"{invocation}, ended early: {answer[0]} {answer[1][:200]!r}")


class Ended:
    """Costs of one invocation's requests that were ended after 0, 1, ... stages."""

    def __init__(self, invocation: str) -> None:
        self.names = [NOTHING, *stages(invocation)]
        self.plain: dict[int, Cost] = {}
        self.traced: dict[int, Cost] = {}

    def upto(self) -> list[tuple[str, int, int | None]]:
        """Stage, CPU and time under the lock in ns, of the request ended after it."""
        return [
            (name, self.plain[k].cpu, self.traced[k].locked if self.traced else None)
            for k, name in enumerate(self.names)
        ]


class Single:
    """A process with one isolate of the Worker; a turn is n requests to it.

    ``options`` replaces options of the path; ``answer`` is then what it must answer.
    """

    def __init__(
        self, scene: Scene, seed: int, options: Mapping[str, Any], answer: Answer | None
    ) -> None:
        self.seed = seed
        self.startup_cpu_ns = 0
        self._scene, self._expected = scene, answer
        self._fleet = Fleet(scene, [WHOLE], options=options)

    def ready(self) -> None:
        """Wait until it listens, on the measuring core."""
        self._fleet.ready()

    def turn(self, case: str, n: int = 1) -> Turn:
        """``n`` requests of the invocation ``case``; their answers are checked."""
        costs = []
        for _ in range(n):
            cost, answer = self._fleet.cost(0, self._scene.world.requests[case])
            check(self._scene, case, answer, self._expected)
            costs.append(cost)
        return turn_of(case, costs)

    def close(self) -> None:
        """End the process."""
        self._fleet.close()


class Asked(Protocol):
    """What requests can be sent to at a known cost."""

    def cost(self, isolate: int, request: Request) -> tuple[Cost, Answer]:
        """As ``Fleet.cost``."""


Place = Callable[[], tuple[Asked, int]]


def ended_turn(
    scene: Scene,
    invocation: str,
    draw: random.Random,
    *,
    plain: Place,
    traced: Place | None,
    again: int = 0,
) -> Turn:
    """One request for each number of stages; ``plain()`` says which isolate of which
    fleet the next one goes to.

    Time under the lock is wall time: a traced request that had to wait for its core
    is sent up to ``again`` times more.
    """
    ended = Ended(invocation)
    last = len(ended.names) - 1
    request = scene.world.requests[invocation]
    kinds = [(plain, ended.plain)] + ([(traced, ended.traced)] if traced else [])
    asked = [(kind, k) for kind in kinds for k in range(last + 1)]
    for (place, costs), k in draw.sample(asked, len(asked)):
        costs[k], answer = _undisturbed(place, ended_after(request, k), again)
        if k == last:
            check(scene, invocation, answer)
        elif k < _answers(invocation):
            check_empty(invocation, answer)
    full = turn_of(invocation, [ended.plain[last]])
    return replace(full, extra={"upto": ended.upto()})


def _undisturbed(place: Place, request: Request, again: int) -> tuple[Cost, Answer]:
    while True:
        fleet, isolate = place()
        cost, answer = fleet.cost(isolate, request)
        waited = (cost.run_delay or 0) > cost.helpers
        if not (again and waited and cost.locked is not None):
            return cost, answer
        again -= 1


def _answers(invocation: str) -> int:
    """How many stages it takes until one may have given the answer."""
    order = [stage.when for stage in stages(invocation).values()]
    return order.count("request")


def turn_of(case: str, costs: list[Cost]) -> Turn:
    """The requests of one turn added up."""
    delays = [cost.run_delay for cost in costs]
    known = [delay for delay in delays if delay is not None]
    extra: Mapping[str, int] = {"helpers": sum(cost.helpers for cost in costs)}
    return Turn(
        case,
        len(costs),
        sum(cost.cpu for cost in costs),
        sum(cost.wall for cost in costs),
        sum(known) if len(known) == len(delays) else None,
        extra,
    )
