"""`bench parsers`: which JSON parser, and from which size does it matter?

Every parser answers first and is timed then: an answer that differs from the
reference's has an error and no number. Modes are different questions, and a ratio
never mixes two of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from bench.errors import BenchError
from bench.measure import affinity, first_parse
from bench.measure.compare import Budget
from bench.measure.contest import Contest, block, hold, read
from bench.measure.entrant import Entrant
from bench.measure.turns import Pace
from bench.parsers import (
    HOSTS,
    REFERENCE,
    Case,
    Question,
    _bodies,
    _hosts,
    _suite,
    load,
)
from bench.parsers._bodies import Body, bodies

if TYPE_CHECKING:
    from bench.measure.stages import Reporter
    from bench.platform import LimitProfile
    from bench.store import Run

__all__ = ["SIZES", "Entry", "Size", "bodies", "check_suite", "measure", "seconds"]

INVOCATION = "parse"
# Memory is read at the largest body up to here; of small ones it is all page size.
_PEAK_BYTES = 2_000_000
# Checks and memory readings go side by side: nothing is timed then.
_WORKERS = 2
_CHECKS_S = 25.0

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Size:
    """How long a profile takes, the generated transcripts that it sizes up, the
    runtimes whose parsers take part, and the isolates whose first request is read."""

    budget: Budget
    pace: Pace
    sizes: tuple[int, ...]
    pretty_sizes: tuple[int, ...] = ()
    runtimes: tuple[str, ...] = HOSTS
    isolates: int = 60


SIZES = {
    "quick": Size(
        Budget(66, 0.02, min_groups=5),
        Pace(9, 8, warm_seconds=0.004, block_seconds=0.2, least=1),
        sizes=(1_000, 300_000),
        # Pyodide takes seconds to start, in each group again.
        runtimes=("cpython", "workerd"),
        isolates=16,
    ),
    "full": Size(
        # Turns of one group differ as much as turns of two (by 4 to 10 %, with the
        # neighbours of the machine), and starting a group costs as much as 20 rounds:
        # so a group has many.
        Budget(7200, 0.02, min_groups=12),
        Pace(40, 100, warm_seconds=0.02, block_seconds=2, least=1),
        sizes=(1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 10_000_000),
        pretty_sizes=(1_000, 10_000, 100_000, 1_000_000),
    ),
}


@dataclass(slots=True)
class Entry(Entrant):
    """A parser; ``peaks`` has the bytes that an answer needs at most, by case."""

    peaks: dict[str, int | None] = field(default_factory=dict)

    @property
    def host(self) -> ModuleType:
        """The module of its runtime. Raises BenchError."""
        return _hosts.host(self.module)

    def weigh(self, kind: str, seed: int) -> None:
        """Learn the memory of an answer, for the largest body of that kind, by mode."""
        largest: dict[str, str] = {}
        mine = {k: case for k, case in self.sound.items() if case.question.kind == kind}
        for key, case in mine.items():
            length, mode = case.file.stat().st_size, case.question.mode
            best = largest.setdefault(mode, key)
            smaller = self.cases[best].file.stat().st_size < length <= _PEAK_BYTES
            largest[mode] = key if smaller else best
        for key in largest.values():
            self.peaks[key] = self.host.peak_bytes(
                self.name, self.module, self.cases[key], seed=seed
            )


def seconds(profile: str) -> float:
    """An upper estimate of ``measure`` for the progress display."""
    return SIZES[profile].budget.seconds + _CHECKS_S


def check_suite(folder: Path) -> None:
    """Raise UserError unless ``folder`` holds the tests of JSONTestSuite."""
    _suite.suite(folder)


def measure(
    run: Run,
    given: Sequence[Body],
    suite: Path | None,
    *,
    profile: str,
    limits: LimitProfile,
    seed: int,
    progress: Reporter,
    sized: bool = True,
    modules: Mapping[str, ModuleType] | None = None,
    size: Size | None = None,
) -> dict[str, Any]:
    """Measure what the run lacks, then derive the document of ``bench parsers``.

    ``given`` are the bodies, the main one first, from ``bodies``; ``sized`` adds the
    generated transcripts of the profile's sizes. ``suite`` is a folder of
    JSONTestSuite, or None. Raises UserError for a bad suite, BenchError where the
    reference takes no part.
    """
    from bench.measure import parse_tables

    size = size or SIZES[profile]
    texts = [*_suite.edges(), *(_suite.suite(suite) if suite else ())]
    everything = list(given)
    if sized:
        progress.step("generating transcripts")
        everything += _bodies.family(size.sizes, pretty=False, seed=seed)
        everything += _bodies.family(size.pretty_sizes, pretty=True, seed=seed)
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        files = _write(everything, Path(folder))
        entries = [
            Entry(name, module, _cases(module, files))
            for name, module in (modules or load()).items()
            if module.RUNTIME in size.runtimes
        ]
        progress.step("checking answers")
        _parallel(Entry.judge, entries)
        progress.step("checking correctness")
        correctness = _correctness(entries, texts)
        _hold(run, entries, size, seed, progress)
        _first(run, entries, given[0], size, seed, progress)
        progress.step("reading memory")
        with affinity.driving():
            _parallel(lambda entry: entry.weigh(given[0].kind, seed), entries)
    return parse_tables.document(
        run,
        bodies=everything,
        entries=entries,
        blocks=read(run.samples(), INVOCATION),
        cold=first_parse.rows(
            run,
            {given[0].label: len(given[0].data)},
            [entry.name for entry in entries],
        ),
        correctness=correctness,
        limits=limits,
        has_suite=suite is not None,
    )


def _write(everything: Sequence[Body], folder: Path) -> dict[Path, Body]:
    files = {folder / f"{n}.json": body for n, body in enumerate(everything)}
    for file, body in files.items():
        file.write_bytes(body.data)
    return files


def _cases(module: ModuleType, files: Mapping[Path, Body]) -> dict[str, Case]:
    return {
        block(mode, body.label): Case(question, file)
        for file, body in files.items()
        for mode in body.modes
        if module.reader(question := Question(mode, body.kind)) is not None
    }


def _parallel(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    with ThreadPoolExecutor(_WORKERS) as pool:
        return list(pool.map(work, items))


def _correctness(entries: Sequence[Entry], texts: Sequence[Any]) -> list[Any]:
    there = [entry for entry in entries if entry.version]
    found = _parallel(
        lambda entry: _suite.correctness({entry.name: entry.module}, texts), there
    )
    return [row for rows in found for row in rows]


def _first(
    run: Run,
    entries: Sequence[Entry],
    main: Body,
    size: Size,
    seed: int,
    progress: Reporter,
) -> None:
    """What parsing the main body adds to the first request of an isolate."""
    for mode in main.modes:
        key = block(mode, main.label)
        cases = {
            entry.name: (entry.module, entry.cases[key])
            for entry in entries
            if entry.module.RUNTIME == first_parse.RUNTIME and key in entry.sound
        }
        progress.step(f"first requests, {mode}")
        first_parse.measure(run, cases, main.label, isolates=size.isolates, seed=seed)


def _hold(
    run: Run, entries: Sequence[Entry], size: Size, seed: int, progress: Reporter
) -> None:
    members = [entry.member() for entry in entries if entry.sound]
    if REFERENCE not in {member.name for member in members}:
        raise BenchError(f"the parser {REFERENCE}, the reference, takes no part")
    runtimes = {entry.name: str(entry.module.RUNTIME) for entry in entries}
    contest = Contest(INVOCATION, members, REFERENCE, size.budget, size.pace, runtimes)

    def say(done: int, width: float) -> None:
        progress.step(f"parsers: {done} groups, median interval {width:.1%} wide")

    progress.step("parsers: first group")
    hold(contest, run, seed=seed, on_group=say)
