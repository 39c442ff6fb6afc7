"""``bench workloads``: what every row of the decision matrix costs a Worker.

Each workload is replayed for real in workerd against services on loopback, cold and
warm; its answers are checked before the clock and after every request. Samples are one
row for each request and metric:

    runtime     workerd     phase      cold or warm
    invocation  workload    stage      the workload
    variant     the route   fixture    how large the input is
    process     the group of fresh processes
    metric      cpu, locked, wall, outside (ms), subrequests (count), bytes_in,
                bytes_out (bytes of the bodies of the request and of its answer),
                calls.<service> (count), meter.<id> (in the unit of the price of that id
                in `bench/platform/prices.toml`: what production would bill)

``outside`` is wall time without the CPU of the thread: what a request waited for
services on loopback, and for its core. It is not production's. What a request did not
use has no row.

A cell is one group of one workload on one route; those that a run holds are not
measured again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError, UserError
from bench.measure import affinity
from bench.measure.phases import until_known
from bench.measure.process import Turn
from bench.measure.samples import MS
from bench.measure.sizes import PhaseSize
from bench.measure.stages import PHASES, Reporter, check_phases
from bench.measure.turns import Member, Pace, groups
from bench.platform import tables
from bench.workerd import tools
from bench.workloads import Workload, chosen, in_worker
from bench.workloads._scene import CALLS, METER, Scene, stage
from bench.workloads._subjects import (
    Case,
    Failures,
    Warm,
    WarmUp,
    check,
    cold_rounds,
)

if TYPE_CHECKING:
    from bench.platform import LimitProfile
    from bench.store import Run

INVOCATION = "workload"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """How long the phases take, and how warm an isolate is before its turns."""

    cold: PhaseSize
    warm: PhaseSize
    warm_up: WarmUp


SIZES = {
    "quick": Size(
        cold=PhaseSize(16, 0.05, 3),
        warm=PhaseSize(30, 0.05, 3, Pace(10, 4.5, 0.0, 0.1, 1)),
        warm_up=WarmUp(30, 0.1),
    ),
    "full": Size(
        cold=PhaseSize(300, 0.03, 20),
        warm=PhaseSize(600, 0.03, 8, Pace(40, 40, 0.2, 2.5, 3)),
        warm_up=WarmUp(300, 1.5),
    ),
}
_SET_UP_S = 17  # services, the answers of the path in Python, the checks


@dataclass(frozen=True, slots=True)
class _Job:
    run: Run
    scene: Scene
    size: Size
    seed: int
    progress: Reporter
    cases: Mapping[str, Case]
    wrong: Failures  # known before the clock, by case
    failures: Failures = field(default_factory=dict)  # of the phase


def seconds(profile: str) -> float:
    """An upper estimate for the progress display."""
    size = SIZES[profile]
    return size.cold.seconds + size.warm.seconds + _SET_UP_S


def measure(
    run: Run,
    *,
    names: Sequence[str] = (),
    profile: str,
    limits: LimitProfile,
    seed: int,
    progress: Reporter,
    phases: Sequence[str] = PHASES,
    size: Size | None = None,
) -> dict[str, Any]:
    """Measure what the run lacks, then derive the document of ``bench workloads``.

    ``names`` are the workloads, all where there are none. A case that fails has an
    error in its row, the others go on. Raises UserError for an unknown workload or
    phase, BenchError where workerd or the services cannot run.
    """
    from bench.measure import workload_tables

    workloads = chosen(names)
    check_phases(phases)
    reason = tools.unavailable()
    if reason is not None:
        raise BenchError(reason)
    progress.step("starting the services")
    with affinity.driving(), stage(seed) as scene:
        progress.step("asking the path in Python what is right")
        cases, wrong = _cases(scene, workloads)
        progress.step("checking answers")
        wrong |= check(scene, cases)
        for phase in phases:
            size = size or SIZES[profile]
            job = _Job(run, scene, size, seed, progress, cases, wrong, dict(wrong))
            _measure_phase(job, phase)
            _note(job, phase)
    return workload_tables.document(run, list(workloads), limits)


def _cases(
    scene: Scene, workloads: Mapping[str, Workload]
) -> tuple[dict[str, Case], Failures]:
    """Every case by name, and what is wrong with routes that have none."""
    cases: dict[str, Case] = {}
    wrong: Failures = {}
    for name, workload in workloads.items():
        for route in in_worker(workload):
            try:
                for replay in workload.requests(scene, route):
                    case = Case(name, route, replay)
                    cases[case.name] = case
            except UserError:
                raise
            except BenchError as error:
                wrong[f"{name}/{route}/"] = str(error)
    return cases, wrong


def _key(phase: str, place: tuple[str, str], group: int) -> Row:
    workload, route = place
    return {"workload": workload, "route": route, "phase": phase, "group": group}


def _measure_phase(job: _Job, phase: str) -> None:
    """Groups of what has too few, until it is known well enough or time is up."""
    size: PhaseSize = getattr(job.size, phase)
    lacking = _lacking(job, phase, size.min_groups)
    if not lacking:
        return
    rows, error = until_known(
        _groups(job, phase, lacking),
        size,
        lambda done, turns: [
            row
            for place, first in lacking.items()
            for row in _keep(job, phase, place, first + done, turns)
        ],
        _width,
        first=min(lacking.values()),
        on_group=lambda group: job.progress.step(f"{phase}, group {group}"),
    )
    if error is not None:
        job.progress.step(f"{phase} ended: {error}")
        if not rows:
            mine = {name for name, case in job.cases.items() if case.place in lacking}
            job.failures.update(dict.fromkeys(mine, str(error)) | job.failures)


def _lacking(job: _Job, phase: str, least: int) -> dict[tuple[str, str], int]:
    """Routes of sound cases with fewer than ``least`` groups in the run, and the first
    group that each of them lacks."""
    sound = [case for name, case in job.cases.items() if name not in job.failures]
    firsts = {
        case.place: next(
            group
            for group in count()
            if not job.run.done(_key(phase, case.place, group))
        )
        for case in sound
    }
    return {place: first for place, first in firsts.items() if first < least}


def _groups(
    job: _Job, phase: str, lacking: Mapping[tuple[str, str], int]
) -> Generator[list[Turn]]:
    """The turns of one group (warm) or round of fresh processes (cold) at a time."""
    cases = {
        name: case
        for name, case in job.cases.items()
        if case.place in lacking and name not in job.failures
    }
    seed = job.seed + max(lacking.values())
    if phase == "cold":
        rounds = cold_rounds(job.scene, cases, job.failures, seed=seed)
        with closing(rounds):
            for turns in rounds:
                yield list(turns.values())
        return

    def start(number: int) -> Warm:
        return Warm(job.scene, cases, number, job.failures, job.size.warm_up)

    member = Member("worker", start, {name: name for name in cases}, 1)
    with closing(groups([member], job.size.warm.pace, seed=seed)) as stream:
        for one in stream:
            yield [turn for turns in one.turns.values() for turn in turns]


def _keep(
    job: _Job,
    phase: str,
    place: tuple[str, str],
    group: int,
    turns: Sequence[Turn],
) -> list[Row]:
    """Put the samples of one route's group into its cell of the run."""
    rows = [
        row
        for seq, turn in enumerate(turns)
        if turn.case not in job.failures and job.cases[turn.case].place == place
        for row in _samples(job.cases[turn.case], phase, group, seq, turn)
    ]
    if rows:
        with job.run.cell(_key(phase, place, group)) as cell:
            cell.add(rows)
    return rows


def _samples(
    case: Case, phase: str, process: int, seq: int, turn: Turn
) -> Iterator[Row]:
    place = {
        "runtime": "workerd",
        "phase": phase,
        "invocation": INVOCATION,
        "stage": case.workload,
        "variant": case.route,
        "fixture": case.replay.fixture,
        "process": process,
        "seq": seq,
    }
    clocks = {
        "cpu": turn.cpu,
        "wall": turn.wall,
        # The thread goes on after the answer, and may spend more than was waited.
        "outside": max(turn.wall - turn.cpu, 0),
        "locked": turn.extra.get("locked"),
    }
    for metric, value in clocks.items():
        if value is not None:
            yield place | {"metric": metric, "unit": "ms", "value": value * MS}
    counts = {
        "subrequests": (turn.extra["subrequests"], "count"),
        "bytes_in": (len(case.replay.request.body), "bytes"),
        "bytes_out": (len(case.replay.answer[1]), "bytes"),
    }
    for metric, amount in turn.extra.items():
        if metric.startswith((CALLS, METER)):
            counts[metric] = amount, _unit(metric)
    for metric, (value, unit) in counts.items():
        yield place | {"metric": metric, "unit": unit, "value": float(value)}


@cache
def _unit(metric: str) -> str:
    """``count`` of calls; of a meter what its price is for, such as ``reads``."""
    if metric.startswith(CALLS):
        return "count"
    price = tables.find(f"{metric.removeprefix(METER)}.price")
    return price.unit.removeprefix("USD per ").removeprefix(f"{price.per:,} ")


def _width(rows: Sequence[Row]) -> float:
    """The widest relative interval among the cases, of what is charged."""
    import pandas as pd

    from bench.measure.estimate import widest

    return widest(pd.DataFrame(rows), ["stage", "variant", "fixture"])


def _note(job: _Job, phase: str) -> None:
    """Record what failed, and retract what an earlier attempt recorded and is sound."""
    for error in job.run.errors():
        key = error["key"]
        if key.get("phase") != phase or key.get("case") not in job.cases:
            continue
        if key["case"] not in job.failures and not job.run.done(key):
            with job.run.cell(key):
                pass
    for name, message in job.failures.items():
        job.progress.step(f"{phase} {name} failed: {message}")
        workload, route, _ = name.split("/", 2)
        key = {"workload": workload, "route": route, "phase": phase, "case": name}
        # The run keeps it; the others go on.
        with suppress(BenchError), job.run.cell(key):
            raise BenchError(message)
