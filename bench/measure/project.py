"""``bench worker``: what somebody's own Worker costs a request, cold and warm.

Samples are one row for each request and metric:

    runtime     workerd     phase      cold or warm
    invocation  worker      stage      the route, or floor: the empty Worker
    variant     plain       fixture    the number of the request in its route
    process     the group of fresh processes
    metric      cpu, locked, wall, outside, helpers (ms), subrequests, calls.<binding>
                (count), status (of the answer)

and of memory, one row a reading: stage ``heap``, variant how many requests were sent at
once, metric idle, live, peak (MB) and in_flight (count).

What is no number (functions, what is not provided, what was asked outside) is kept in
``facts.json``. A cell is one group; those that a run holds are not measured again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from bench.errors import BenchError, UserError
from bench.measure import affinity
from bench.measure.phases import until_known
from bench.measure.process import Turn
from bench.measure.samples import MS
from bench.measure.sizes import PhaseSize
from bench.measure.stages import PHASES, Reporter, check_phases
from bench.measure.turns import Member, Pace, groups
from bench.project import Project, facts, memory
from bench.project._data import Seeds
from bench.project._process import FLOOR
from bench.project.profile import Profile
from bench.project.profile import profile as profiled
from bench.project.requests import Mix
from bench.project.scene import CALLS, Scene, stage, status_of
from bench.project.subjects import (
    Case,
    Failures,
    Warm,
    WarmUp,
    cases_of,
    cold_rounds,
)
from bench.workerd.process import WorkerdError

if TYPE_CHECKING:
    from bench.platform import LimitProfile
    from bench.store import Run

INVOCATION, HEAP, FACTS = "worker", "heap", "facts.json"
Answers = dict[str, tuple[int, bytes]]
"""Status and body by the name of the case."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """How long the phases and the profile take, and how warm an isolate is made."""

    cold: PhaseSize
    warm: PhaseSize
    warm_up: WarmUp
    profile_seconds: float


SIZES = {
    "quick": Size(
        cold=PhaseSize(20, 0.05, 4),
        warm=PhaseSize(40, 0.05, 4, Pace(12, 6, 0.0, 0.3, 1)),
        warm_up=WarmUp(300, 3.0),
        profile_seconds=4,
    ),
    "full": Size(
        cold=PhaseSize(300, 0.03, 20),
        warm=PhaseSize(400, 0.03, 8, Pace(40, 40, 0.0, 2.5, 3)),
        warm_up=WarmUp(1500, 15.0),
        profile_seconds=15,
    ),
}
_SET_UP_S = 15  # bundling, services, the check, memory


@dataclass(frozen=True, slots=True)
class _Job:
    run: Run
    scene: Scene
    size: Size
    seed: int
    progress: Reporter
    failures: Failures  # of the phase, by route; those known before the clock first


def seconds(profile: str, phases: Sequence[str] = PHASES) -> float:
    """An upper estimate for the progress display."""
    size = SIZES[profile]
    main = sum(getattr(size, phase).seconds for phase in phases)
    return float(main + size.profile_seconds + _SET_UP_S)


def measure(
    run: Run,
    *,
    project: Project,
    mix: Mix,
    seeds: Seeds,
    outbound: Path | None,
    profile: str,
    limits: LimitProfile,
    seed: int,
    progress: Reporter,
    phases: Sequence[str] = PHASES,
    any_status: bool = False,
    size: Size | None = None,
) -> dict[str, Any]:
    """Measure what the run lacks, then derive the document of ``bench worker``.

    ``any_status`` gives a verdict to routes that answer an error, or differently each
    time, too. A route that fails has an error in its row, the others go on. Raises
    UserError for a project that cannot be started or a file that cannot be read,
    BenchError where workerd or wrangler cannot run here.
    """
    from bench.measure import project_tables

    check_phases(phases)
    size = size or SIZES[profile]
    progress.step("bundling the Worker")
    with (
        affinity.driving(),
        stage(project, mix, seeds=seeds, outbound=outbound, seed=seed) as scene,
    ):
        progress.step("asking each request once")
        wrong, answers = check(scene)
        statuses = statuses_of(answers)
        for phase in phases:
            job = _Job(run, scene, size, seed, progress, dict(wrong))
            with scene.discreet():
                _measure_phase(job, phase)
            _note(job, phase)
        job = _Job(run, scene, size, seed, progress, dict(wrong))
        made = None if wrong else _apart(job)
        found = facts.collect(scene, statuses, made, any_status=any_status)
        run.save(FACTS, orjson.dumps(found))
    return project_tables.document(run, limits)


def check(scene: Scene) -> tuple[Failures, Answers]:
    """What is wrong with which route, and the answer of each case, sent once.

    Raises UserError where the Worker does not start.
    """
    wrong: Failures = {}
    answers: Answers = {}
    isolates = scene.isolates(1)
    try:
        try:
            isolates.ready()
        except WorkerdError as error:
            raise UserError(
                f"does not start: {scene.hide(str(error))}",
                file=scene.project.main,
                remedy="mend what it says; secrets are read from .dev.vars",
            ) from None
        for case in cases_of(scene).values():
            try:
                answer = isolates.ask(0, case.request)
            except BenchError as error:
                wrong[case.route] = scene.hide(str(error))
                break  # it may have died: what comes next would say nothing
            answers[case.name] = status_of(case.request, answer), answer[1]
    finally:
        isolates.close()
    return wrong, answers


def statuses_of(answers: Answers) -> dict[str, Counter[str]]:
    """How often a route was answered with which status."""
    found: dict[str, Counter[str]] = {}
    for name, (status, _) in answers.items():
        found.setdefault(name.rpartition("#")[0], Counter())[str(status)] += 1
    return found


def _key(phase: str, group: int) -> Row:
    return {"worker": INVOCATION, "phase": phase, "group": group}


def _measure_phase(job: _Job, phase: str) -> None:
    """Groups until the mix is known well enough or time is up."""
    size: PhaseSize = getattr(job.size, phase)
    first = next(n for n in count() if not job.run.done(_key(phase, n)))
    if first >= size.min_groups:
        return
    rows, error = until_known(
        _groups(job, phase, first),
        size,
        lambda done, turns: _keep(job, phase, first + done, turns),
        _width,
        first=first,
        on_group=lambda group: job.progress.step(f"{phase}, group {group}"),
        ended=lambda: len(job.failures) == len(job.scene.routes),
    )
    if error is not None:
        said = job.scene.hide(str(error))
        job.progress.step(f"{phase} ended: {said}")
        if not rows:
            job.failures.update(dict.fromkeys(job.scene.routes, said) | job.failures)


def _groups(job: _Job, phase: str, first: int) -> Generator[list[tuple[Case, Turn]]]:
    """The turns of one group (warm) or round of fresh processes (cold) at a time."""
    seed = job.seed + first
    if phase == "cold":
        rounds = cold_rounds(job.scene, job.failures, seed=seed)
        with closing(rounds):
            for turns in rounds:
                yield [
                    (Case(route, 0, job.scene.routes[route][0]), turn)
                    for route, turn in turns.items()
                ]
        return
    cases = cases_of(job.scene)
    floor = Case(FLOOR, 0, next(iter(cases.values())).request)

    def start(number: int) -> Warm:
        return Warm(job.scene, cases, number, job.failures, job.size.warm_up)

    names = {name: name for name in [*cases, FLOOR]}
    member = Member("worker", start, names, 1)
    with closing(groups([member], job.size.warm.pace, seed=seed)) as stream:
        for one in stream:
            yield [
                (cases.get(turn.case, floor), turn)
                for turns in one.turns.values()
                for turn in turns
            ]


def _keep(
    job: _Job, phase: str, group: int, turns: Sequence[tuple[Case, Turn]]
) -> list[Row]:
    """Put the samples of one group into its cell of the run."""
    rows = [
        row
        for seq, (case, turn) in enumerate(turns)
        if case.route not in job.failures
        for row in _samples(case, phase, group, seq, turn)
    ]
    with job.run.cell(_key(phase, group)) as cell:
        cell.add(rows)
    return rows


def _samples(
    case: Case, phase: str, process: int, seq: int, turn: Turn
) -> Iterator[Row]:
    place = {
        "runtime": "workerd",
        "phase": phase,
        "invocation": INVOCATION,
        "stage": case.route,
        "variant": "plain",
        "fixture": str(case.number),
        "process": process,
        "seq": seq,
    }
    clocks = {
        "cpu": turn.cpu,
        "wall": turn.wall,
        # The thread goes on after the answer, and may spend more than was waited.
        "outside": max(turn.wall - turn.cpu, 0),
        "locked": turn.extra.get("locked"),
        "helpers": turn.extra.get("helpers"),
    }
    for metric, value in clocks.items():
        if value is not None:
            yield place | {"metric": metric, "unit": "ms", "value": value * MS}
    for metric, amount in turn.extra.items():
        if metric == "subrequests" or metric.startswith(CALLS):
            yield place | {"metric": metric, "unit": "count", "value": float(amount)}
    if "status" in turn.extra:
        status = float(turn.extra["status"])
        yield place | {"metric": "status", "unit": "code", "value": status}


def _width(rows: Sequence[Row]) -> float:
    """The widest relative interval among the routes, of what is charged."""
    import pandas as pd

    from bench.measure.estimate import widest

    table = pd.DataFrame(rows)
    return widest(table[table["stage"] != FLOOR], ["stage"])


def _apart(job: _Job) -> Profile | None:
    """The profile of the warm mix, and its memory, which the run keeps.

    Neither is worth the rest: one that fails is left out, and the progress says so.
    """
    run, scene, made = job.run, job.scene, None
    try:
        job.progress.step("profiling the mix")
        made = profiled(scene, job.size.profile_seconds, job.seed)
        for name, data in made.files().items():
            run.save(f"profiles/{name}", data)
    except UserError:
        raise
    except BenchError as error:
        job.progress.step(f"profile left out: {scene.hide(str(error))}")
    key = {"worker": INVOCATION, "heap": True}
    if run.done(key):
        return made
    job.progress.step("reading the heap")
    with suppress(BenchError), run.cell(key) as cell:
        cell.add(_heap(memory.measure(scene, job.seed)))
    return made


def _heap(rows: Sequence[Row]) -> Iterator[Row]:
    place = {"runtime": "workerd", "phase": "warm", "invocation": INVOCATION}
    for row in rows:
        here = place | {"stage": HEAP, "variant": str(row["concurrent"])}
        yield here | {"metric": row["what"], "unit": "MB", "value": row["mb"]}
        if row["what"] == "live":
            flying = {"metric": "in_flight", "unit": "count", "value": row["in_flight"]}
            yield here | flying


def _note(job: _Job, phase: str) -> None:
    """Record what failed, and retract what an earlier attempt recorded and is sound."""
    for error in job.run.errors():
        key = error["key"]
        if key.get("phase") != phase or "route" not in key:
            continue
        if key["route"] not in job.failures and not job.run.done(key):
            with job.run.cell(key):
                pass
    for route, message in job.failures.items():
        job.progress.step(f"{phase} {route} failed: {message}")
        # The run keeps it; the others go on.
        with suppress(BenchError), job.run.cell({"phase": phase, "route": route}):
            raise BenchError(message)
