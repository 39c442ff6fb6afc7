"""Re-rankers in CPython: each in a fresh process, which dies alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType

from bench.measure.process import Child, ChildError, Turn
from bench.measure.turns import Subject
from bench.rerankers import Case, Ranking
from bench.rerankers._judge import judged

_SUBJECT = "bench.rerankers._subject"
_SEED = 1  # of processes in which nothing is timed


def start(
    name: str, module: ModuleType, cases: Mapping[str, Case], *, seed: int
) -> Subject:
    """A fresh process that holds the jobs of ``cases``; a turn is n rankings."""
    child = _child("setup", module, cases, seed)
    batch = _batch(module)
    return child if batch == 1 else Batches(child, batch)


def judge(name: str, module: ModuleType, cases: Mapping[str, Case]) -> dict[str, str]:
    """Case -> '', or why its ranking is wrong, in words.

    A process that has failed is replaced for the cases that are left.
    """
    said: dict[str, str] = {}
    batch = _batch(module)
    while left := {key: case for key, case in cases.items() if key not in said}:
        with _child("rankings", module, left, _SEED) as child:
            try:
                child.ready()
            except ChildError as error:
                return said | dict.fromkeys(left, str(error))
            for key, case in left.items():
                try:
                    found = child.turn(key).extra
                except ChildError as error:
                    said[key] = str(error)
                    break
                said[key] = judged(case, [Ranking(*each) for each in found], batch)
    return said


class Batches:
    """A subject whose process ranks for ``batch`` queries at a time.

    n rankings are the fewest batches that hold as many, and cost their share.
    """

    def __init__(self, child: Child, batch: int) -> None:
        self._child, self._batch = child, batch
        self.seed = child.seed
        self.startup_cpu_ns = 0

    def ready(self) -> None:
        """Wait for the set-up and move to the measuring core. Raises ChildError."""
        self._child.ready()
        self.startup_cpu_ns = self._child.startup_cpu_ns

    def turn(self, case: str, n: int = 1) -> Turn:
        """n rankings of ``case``. Raises ChildError."""
        calls = -(-n // self._batch)
        turn = self._child.turn(case, calls)
        share = n / (calls * self._batch)
        cpu, wall = max(1, round(turn.cpu * share)), max(1, round(turn.wall * share))
        return replace(turn, n=n, cpu=cpu, wall=wall, run_delay=None)

    def close(self) -> None:
        """End the process; safe to call twice."""
        self._child.close()


def _batch(module: ModuleType) -> int:
    count: int = getattr(module, "BATCH", 1)
    return count


def _child(
    setup: str, module: ModuleType, cases: Mapping[str, Case], seed: int
) -> Child:
    listed = {
        key: [*case[:3], None if case.file is None else str(case.file)]
        for key, case in cases.items()
    }
    parameters = {"module": module.__name__, "file": module.__file__, "cases": listed}
    return Child(f"{_SUBJECT}:{setup}", parameters, seed=seed)
