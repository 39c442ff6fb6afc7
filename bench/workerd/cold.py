"""Cold isolates by the dozen: a process holds copies of the Worker, each fresh.

What a first request costs is the isolate's: compiling functions, growing the heap,
filling inline caches. The process around it is warm, as it is in production, where it
serves many isolates; so one copy of each kind takes the first requests of the process
and is not measured.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

from bench.measure.process import Turn
from bench.measure.samples import FLOOR, METERED
from bench.path import stages
from bench.path.http import Request
from bench.workerd import tools
from bench.workerd.fleet import Fleet
from bench.workerd.isolates import Cost
from bench.workerd.subjects import (
    MEASURED,
    WHOLE,
    check,
    check_empty,
    ended_after,
    ended_turn,
    turn_of,
)

if TYPE_CHECKING:
    from bench.runtimes import Scene

# Of isolates for traced requests that are asked again, because the first had to wait.
SPARE = 4


class Batch:
    """One process: isolates that were never asked, by module."""

    def __init__(self, scene: Scene, copies: Counter[str], *, trace: bool) -> None:
        self._scene = scene
        # The first of each module is the one that warms the process.
        self._modules = [module for module, n in copies.items() for _ in range(n + 1)]
        self._fleet = Fleet(scene, self._modules, trace=trace)
        self._free: dict[str, list[int]] = {}
        self._started = False

    def ready(self) -> None:
        """Wait until it listens, and let the process meet each kind of request."""
        if self._started:
            return
        self._started = True
        self._fleet.ready()
        for place, module in enumerate(self._modules):
            if module not in self._free:
                self._free[module] = []
                self._warm(place, module)
            else:
                self._free[module].append(place)

    def take(self, module: str) -> int | None:
        """An isolate of ``module`` that was never asked, or None."""
        free = self._free.get(module)
        return free.pop() if free else None

    def cost(self, isolate: int, request: Request) -> tuple[Cost, tuple[int, bytes]]:
        """As ``Fleet.cost``."""
        return self._fleet.cost(isolate, request)

    def close(self) -> None:
        """End the process."""
        self._fleet.close()

    def _warm(self, place: int, module: str) -> None:
        for name, request in self._scene.world.requests.items():
            if module == MEASURED:
                request = ended_after(request, len(stages(name)))
            self._fleet.ask(place, request)


class Supply:
    """Batches one after the other; the next starts up while one is used."""

    def __init__(self, scene: Scene, copies: Counter[str], *, trace: bool) -> None:
        self._scene, self._copies, self._trace = scene, copies, trace
        self._coming = self._next()
        self._present: list[Batch] = []

    def take(self, module: str) -> tuple[Batch, int]:
        """A fresh isolate of ``module`` and the batch that it is in."""
        if self._present:
            place = self._present[-1].take(module)
            if place is not None:
                return self._present[-1], place
        self._present.append(self._coming)
        self._coming = self._next()
        # Isolates of the batch before may still be asked again: keep it a while.
        while len(self._present) > 2:
            self._present.pop(0).close()
        self._present[-1].ready()
        return self.take(module)

    def close(self) -> None:
        """End all processes."""
        for batch in (*self._present, self._coming):
            batch.close()

    def _next(self) -> Batch:
        return Batch(self._scene, self._copies, trace=self._trace)


class Colds:
    """Hands out subjects whose first turn is a first request."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        invocations = list(scene.world.requests)
        many = len(invocations)
        ended = sum(len(stages(name)) + 1 for name in invocations)
        # Whole and control are the Worker as it is; the floor is an ended path too.
        plain = Counter({WHOLE: 2 * many, MEASURED: ended + many})
        self.plain = Supply(scene, plain, trace=False)
        self.traced = (
            Supply(scene, Counter({MEASURED: ended + SPARE}), trace=True)
            if tools.features().async_trace
            else None
        )

    def subject(self, role: str, seed: int) -> Cold:
        """A subject of ``role``; it takes its isolates when its turn comes."""
        return Cold(self, role, seed)

    def close(self) -> None:
        """End all processes."""
        self.plain.close()
        if self.traced is not None:
            self.traced.close()


class Cold:
    """One fresh isolate, or for the metered role one for each number of stages."""

    def __init__(self, colds: Colds, role: str, seed: int) -> None:
        self.seed = seed
        self.startup_cpu_ns = 0
        self._colds, self._role = colds, role
        self._draw = random.Random(seed)
        self._place: tuple[Batch, int] | None = None

    def ready(self) -> None:
        """Nothing: isolates are taken when they are asked."""

    def turn(self, case: str, n: int = 1) -> Turn:
        """The first request, and with further turns the ones after it."""
        colds = self._colds
        if self._role == METERED:
            traced = colds.traced
            return ended_turn(
                colds.scene,
                case,
                self._draw,
                plain=lambda: colds.plain.take(MEASURED),
                traced=None if traced is None else lambda: traced.take(MEASURED),
                again=1,
            )
        empty = self._role == FLOOR
        if self._place is None:
            self._place = colds.plain.take(MEASURED if empty else WHOLE)
        batch, isolate = self._place
        request = colds.scene.world.requests[case]
        if empty:
            cost, answer = batch.cost(isolate, ended_after(request, 0))
            check_empty(case, answer)
        else:
            cost, answer = batch.cost(isolate, request)
            check(colds.scene, case, answer)
        return turn_of(case, [cost])

    def close(self) -> None:
        """Nothing: the process goes on with its other isolates."""
