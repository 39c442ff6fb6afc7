"""The article's fixes, one file each: does the cure work, and what does it cost?

A remedy module exports five names:

    TITLE     the fix, in a few words
    QUESTION  what is asked of it, as a sentence
    RUNTIME   where its CPU was spent: workerd or cpython
    measure(ground, seed) -> Iterator[Row]    one group of fresh processes
    conclude(samples) -> Conclusion           from the raw rows of all its groups

``measure`` yields raw rows, one a reading, never an average:

    variant   the fix, or what it replaces      metric    what was read
    fixture   the circumstance, such as a lag   unit      of the value
    seq       counts readings of one metric     value     of ONE request, tenant or text

Answers are checked before anything is timed; `row` makes a row. ``conclude`` raises
BenchError where rows are missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

from bench import registry
from bench.measure import affinity

if TYPE_CHECKING:
    from bench.runtimes import Scene
    from bench.services import Services

PACKAGE = "bench.remedies"
RUNTIMES = ("workerd", "cpython")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a remedy's rows say: a sentence or two, and the numbers behind them.

    ``numbers`` have ``name``, ``value``, ``low``, ``high``, ``unit`` and ``n``, the
    groups; ``control`` has ``ratio``, ``low``, ``high`` and ``n`` of the CPU of the
    reference relative to itself, where CPU was compared.
    """

    text: str
    numbers: list[Row] = field(default_factory=list)
    control: Row | None = None


class Ground:
    """What remedies are tried on: services that run, each started when it is needed.

    Use it as a context manager. ``scene`` is the user journey of `bench.world`, seeded
    once: who changes it puts it back. ``bare`` are services of their own, which forget
    everything each time.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._stack = ExitStack()
        self._scene: tuple[Scene, Services] | None = None
        self._bare: Services | None = None

    def scene(self) -> tuple[Scene, Services]:
        """The seeded journey and its services. Raises BenchError."""
        if self._scene is None:
            from bench import fixture_set, world
            from bench.runtimes import Scene

            running = self._start()
            transcript = fixture_set.read("transcript.json")
            built = world.build(running, transcript, self._seed)
            staged = self._stack.enter_context(Scene.stage(built, running))
            self._scene = staged, running
        return self._scene

    @contextmanager
    def bare(self) -> Iterator[Services]:
        """Services with no data and no settings, for as long as the block runs."""
        if self._bare is None:
            self._bare = self._start()
        self._bare.reset()
        yield self._bare
        self._bare.reset()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self) -> Services:
        from bench import services

        cores = set(affinity.plan().driving) or None
        return self._stack.enter_context(services.start(seed=self._seed, cpus=cores))


def load(package: str = PACKAGE) -> dict[str, ModuleType]:
    """Remedy modules by name. Raises BenchError naming the file of a bad one."""
    names = ("TITLE", "QUESTION", "RUNTIME", "measure", "conclude")
    return registry.load(package, names)


def row(
    variant: str, fixture: str, metric: str, value: float, unit: str, seq: int = 0
) -> Row:
    """One raw reading."""
    return {
        "variant": variant,
        "fixture": fixture,
        "metric": metric,
        "value": float(value),
        "unit": unit,
        "seq": seq,
    }
