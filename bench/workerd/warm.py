"""Warm processes: one group of them for each group of roles, which share them.

Optimised code is a matter of how often it ran. Roles that are compared must have the
same past, so the whole, its control and the ended paths are served by two processes
that get the same requests:

    first    whole, floor, and half of the ended paths
    second   control, and the other half of the ended paths
    traced   ended paths under workerd's trace

The floor is the path that is ended before its first stage.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from bench.measure.process import Turn
from bench.measure.samples import CONTROL, FLOOR, METERED, WHOLE
from bench.path import stages
from bench.workerd import tools
from bench.workerd.fleet import Fleet
from bench.workerd.subjects import (
    MEASURED,
    check,
    check_empty,
    ended_after,
    ended_turn,
    turn_of,
)

if TYPE_CHECKING:
    from bench.runtimes import Scene

ROLES = (WHOLE, CONTROL, METERED, FLOOR)
# Of each invocation to each process before its turns begin. A chat request was seen to
# get 8 % cheaper over its first 600; the turns of a group bring some 200 more.
WARM_REQUESTS = 80
# Times that a traced request is sent again when it had to wait for its core.
AGAIN = 3


class Company:
    """The processes of one group."""

    def __init__(self, scene: Scene) -> None:
        self.first = Fleet(scene, [MEASURED])
        self.second = Fleet(scene, [MEASURED])
        self.traced = (
            Fleet(scene, [MEASURED], trace=True)
            if tools.features().async_trace
            else None
        )
        self._scene = scene
        self._is_ready = False
        self._members = len(ROLES)

    def ready(self) -> None:
        """Wait until all listen, then warm them; once."""
        if self._is_ready:
            return
        self._is_ready = True
        for fleet in self._fleets():
            fleet.ready()
            for name, request in self._scene.world.requests.items():
                whole = ended_after(request, len(stages(name)))
                for number in range(WARM_REQUESTS):
                    # As in the turns, both ways in: the Worker's own and ours.
                    fleet.ask(0, whole if number % 2 else request)

    def leave(self) -> None:
        """A member needs the processes no more; the last one ends them."""
        self._members -= 1
        if self._members == 0:
            self.close()

    def close(self) -> None:
        """End the processes; safe to call twice."""
        for fleet in self._fleets():
            fleet.close()

    def _fleets(self) -> list[Fleet]:
        every = (self.first, self.second, self.traced)
        return [fleet for fleet in every if fleet is not None]


class Companies:
    """Hands out the members of groups; those with the same seed share processes."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._by_seed: dict[int, Company] = {}

    def subject(self, role: str, seed: int) -> Warm:
        """A subject of ``role`` in the group ``seed``."""
        if seed not in self._by_seed:
            self._by_seed[seed] = Company(self.scene)
        return Warm(self.scene, self._by_seed[seed], role, seed)

    def close(self) -> None:
        """End all processes."""
        for company in self._by_seed.values():
            company.close()


class Warm:
    """One role of a group."""

    def __init__(self, scene: Scene, company: Company, role: str, seed: int) -> None:
        self.seed = seed
        self.startup_cpu_ns = 0
        self._scene, self._company, self._role = scene, company, role
        self._draw = random.Random(seed)
        self._metered = 0
        self._left = False

    def ready(self) -> None:
        """Wait until the group is warm, on the measuring core."""
        self._company.ready()

    def turn(self, case: str, n: int = 1) -> Turn:
        """``n`` requests of the invocation ``case``, or ended after each stage."""
        if self._role == METERED:
            return self._ended(case)
        company = self._company
        fleet = company.second if self._role == CONTROL else company.first
        request = self._scene.world.requests[case]
        costs = []
        for _ in range(n):
            if self._role == FLOOR:
                cost, answer = fleet.cost(0, ended_after(request, 0))
                check_empty(case, answer)
            else:
                cost, answer = fleet.cost(0, request)
                check(self._scene, case, answer)
            costs.append(cost)
        return turn_of(case, costs)

    def close(self) -> None:
        """Leave the group; safe to call twice."""
        if not self._left:
            self._left = True
            self._company.leave()

    def _ended(self, case: str) -> Turn:
        company = self._company
        self._metered += 1
        plain = company.second if self._metered % 2 else company.first
        traced = company.traced
        return ended_turn(
            self._scene,
            case,
            self._draw,
            plain=lambda: (plain, 0),
            traced=None if traced is None else lambda: (traced, 0),
            again=AGAIN,
        )
