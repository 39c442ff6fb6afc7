"""A measured process without a process: costs come from a function, not a clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import ClassVar

from bench.measure.process import Turn

Cost = Callable[[random.Random, str], float]


class FakeSubject:
    """Answers turns with ``cost(draw, case)`` ns a loop; remembers what was asked."""

    alive: ClassVar[list[FakeSubject]] = []

    def __init__(self, seed: int, cost: Cost) -> None:
        self.seed = seed
        self.startup_cpu_ns = 5_000_000
        self.asked: list[tuple[str, int]] = []
        self.is_ready = False
        self._draw = random.Random(f"{seed}{len(FakeSubject.alive)}")
        self._cost = cost
        FakeSubject.alive.append(self)

    def ready(self) -> None:
        self.is_ready = True

    def turn(self, case: str, n: int = 1) -> Turn:
        assert self.is_ready
        self.asked.append((case, n))
        cpu = int(n * self._cost(self._draw, case))
        return Turn(case, n, cpu, cpu + 1000, 500, None)

    def close(self) -> None:
        if self in FakeSubject.alive:
            FakeSubject.alive.remove(self)
