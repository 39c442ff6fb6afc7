"""`bench rerank`: what re-ranking costs, and what a Worker still pays that offloads it.

Two measurements. The re-rankers by themselves take turns on jobs of several sizes, and
an order that differs from the reference's has an error and no number. The options of a
Worker (in the path, offloaded, left to the index) are measured as requests to it, over
real HTTP, cold and warm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.measure.compare import Budget
from bench.measure.contest import Contest, block, hold, read
from bench.measure.entrant import Entrant
from bench.measure.turns import Member, Pace
from bench.offload import size as job_size
from bench.rerankers import INPUTS, REFERENCE, Case, _hosts, load

if TYPE_CHECKING:
    from bench.measure.stages import Reporter
    from bench.platform import LimitProfile
    from bench.store import Run

INVOCATION = "rerank"
# Whom ratios are to: the reference's cost with values in lists, in every block.
BASE = "reference"
BASE_INPUT = "lists"
PHASES = ("warm", "cold")
MAIN = (8, 1536)
"""Matches and dimensions of the article's job; the first of every grid."""
_CHECKS_S = 10.0
_WORKERS = 2

Grid = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Part:
    """Some (k, dims) of the re-rankers by themselves, with a budget of their own.

    Where a group is large most of its time is starting it, and half of a ratio's
    variance lies between groups: what is to be known well takes small ones.
    """

    budget: Budget
    pace: Pace
    grid: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Size:
    """How long a profile takes and which (k, dims) it measures: re-rankers by
    themselves, part by part, and the options of a Worker."""

    parts: tuple[Part, ...]
    options_seconds: float
    options_grid: tuple[tuple[int, int], ...]
    service_seconds: float


def _product(ks: Sequence[int], dims: Sequence[int]) -> tuple[tuple[int, int], ...]:
    return tuple((k, d) for d in dims for k in ks)


_NEAR = (MAIN, (64, 1536), (8, 384))
_BRIEF = Pace(9, 6, warm_seconds=0.01, block_seconds=0.15, least=1)
_WIDE = _product((1, 8, 32, 100, 316, 1000), (128, 384, 768, 1536, 3072))
SIZES = {
    "quick": Size(
        (Part(Budget(32, 0.02, min_groups=5), _BRIEF, _NEAR),),
        30,
        _product((1, 8, 64), (384, 1536)),
        3,
    ),
    "full": Size(
        (
            Part(Budget(1200, 0.02, min_groups=12), _BRIEF, _NEAR),
            Part(
                Budget(2400, 0.02, min_groups=6),
                Pace(40, 60, warm_seconds=0.02, block_seconds=1.5, least=1),
                tuple(pair for pair in _WIDE if pair not in _NEAR),
            ),
        ),
        900,
        _WIDE,
        30,
    ),
}


@dataclass(slots=True)
class Entry(Entrant):
    """A re-ranker."""

    @property
    def host(self) -> ModuleType:
        """The module of its runtime. Raises BenchError."""
        return _hosts.host(self.module)

    def base(self, blocks: Mapping[str, Case]) -> Member:
        """The same by its lists alone, in every one of ``blocks`` of the same job."""
        lists = {case: key for key, case in self.sound.items()}
        cases = {}
        for key, (k, dims, *_) in blocks.items():
            own = lists.get(Case(k, dims, BASE_INPUT))
            if own is not None:
                cases[key] = own
        mine = {own: self.cases[own] for own in cases.values()}
        return Member(BASE, self.starter(mine), cases)


def grid(ks: Sequence[int], dims: Sequence[int]) -> Grid | None:
    """Every pair of ``ks`` and ``dims``, the article's job first where it is one.

    None where both are empty: the profile's own. One that is empty has the article's.
    """
    if not ks and not dims:
        return None
    pairs = list(_product(tuple(ks) or (MAIN[0],), tuple(dims) or (MAIN[1],)))
    return sorted(dict.fromkeys(pairs), key=lambda pair: pair != MAIN)


def seconds(profile: str) -> float:
    """An upper estimate of ``measure`` for the progress display."""
    size = SIZES[profile]
    main = sum(part.budget.seconds for part in size.parts)
    return main + size.options_seconds + size.service_seconds + _CHECKS_S


def measure(
    run: Run,
    *,
    grid: Grid | None,
    profile: str,
    limits: LimitProfile,
    seed: int,
    progress: Reporter,
    phases: Sequence[str] = PHASES,
    modules: Mapping[str, ModuleType] | None = None,
    size: Size | None = None,
) -> dict[str, Any]:
    """Measure what the run lacks, then derive the document of ``bench rerank``.

    ``grid`` replaces the (k, dims) of the profile. Raises BenchError where the
    reference takes no part.
    """
    from bench.measure import rerank_tables
    from bench.offload import measure as offload
    from bench.offload import service

    size = size or SIZES[profile]
    parts = (replace(size.parts[-1], grid=tuple(grid)),) if grid else size.parts
    chosen = [pair for part in parts for pair in part.grid]
    entries = [
        Entry(name, module, _cases(module, chosen))
        for name, module in (modules or load()).items()
    ]
    progress.step("checking rankings")
    with ThreadPoolExecutor(_WORKERS) as pool:
        list(pool.map(Entry.judge, entries))
    for number, part in enumerate(parts):
        _hold(run, entries, part, "wide" if number else "", seed, progress)
    progress.step("options of a Worker")
    options = offload.measure(
        run,
        grid or list(size.options_grid),
        phases=phases,
        seconds=size.options_seconds,
        seed=seed,
        progress=progress,
    )
    return rerank_tables.document(
        run,
        grid=chosen,
        entries=entries,
        blocks=read(run.samples(), INVOCATION),
        options=options,
        service=service.measure(seconds=size.service_seconds, seed=seed),
        limits=limits,
    )


def _cases(module: ModuleType, grid: Grid) -> dict[str, Case]:
    return {
        block(given, job_size(k, dims)): Case(k, dims, given)
        for k, dims in grid
        for given in INPUTS
        if module.ranker(given) is not None
    }


def _hold(
    run: Run,
    entries: Sequence[Entry],
    part: Part,
    label: str,
    seed: int,
    progress: Reporter,
) -> None:
    known = {entry.name: entry for entry in entries}
    blocks = {
        key: case
        for entry in entries
        for key, case in entry.sound.items()
        if (case.k, case.dims) in part.grid
    }
    members = [entry.member(blocks) for entry in entries]
    members = [member for member in members if member.cases]
    if REFERENCE not in {member.name for member in members}:
        raise BenchError(f"the re-ranker {REFERENCE}, the reference, takes no part")
    members.append(known[REFERENCE].base(blocks))
    runtimes = {entry.name: str(entry.module.RUNTIME) for entry in entries}
    runtimes[BASE] = runtimes[REFERENCE]
    contest = Contest(
        INVOCATION, members, BASE, part.budget, part.pace, runtimes, part=label
    )
    who = f"re-rankers, {label}" if label else "re-rankers"

    def say(done: int, width: float) -> None:
        progress.step(f"{who}: {done} groups, median interval {width:.1%} wide")

    progress.step(f"{who}: first group")
    hold(contest, run, seed=seed, on_group=say)
