"""`bench stages`: where the CPU of one RAG journey goes, stage by stage.

The journey is a transcript's ingestion, the consumption of its queue messages and a
chat request about it: three invocations, each with a CPU limit of its own on Workers.
Every cell is measured by processes of the runtime that take turns on one core; the
answer is derived from the stored samples alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from bench.errors import BenchError, UserError
from bench.measure import affinity, derive, samples
from bench.measure.cold import cold_rounds
from bench.measure.process import starter
from bench.measure.samples import (
    ALONE,
    CONTROL,
    FLOOR,
    METERED,
    SENTINEL,
    WHOLE,
    Row,
)
from bench.measure.sizes import PhaseSize, Size, late, size
from bench.measure.turns import Member, groups
from bench.runtimes import JOURNEY

if TYPE_CHECKING:
    from bench.runtimes import Runtime, Scene
    from bench.store import Cell, Run
    from bench.transcript import Transcript

PHASES = ("cold", "warm")


class Reporter(Protocol):
    """Shows progress; ``bench.progress.Progress`` is one."""

    def step(self, label: str) -> None:
        """Say what begins."""


@dataclass(frozen=True, slots=True)
class Job:
    """One call of ``measure``, handed from step to step."""

    run: Run
    scene: Scene
    fixture: str
    sizes: Size
    seed: int
    progress: Reporter


def measure(
    run: Run,
    *,
    transcript: Transcript,
    runtimes: Sequence[str],
    phases: Sequence[str],
    profile: str,
    seed: int,
    progress: Reporter,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Measure what the run lacks, then derive the document of ``bench stages``.

    ``options`` replaces single options of the path. Cells that the run has finished
    are not measured again. A cell that fails becomes an error in its rows, and the
    others go on. Raises UserError for an unknown runtime, phase or profile, or where
    no runtime is available, before anything starts.
    """
    from bench import runtimes as registry

    chosen = {name: registry.load(name) for name in runtimes}
    check_phases(phases)
    _check_available(chosen)
    sizes = size(profile)
    with _scene(transcript, seed, progress, options or {}) as scene:
        for name, runtime in chosen.items():
            # What Workers runs is what the question is about.
            mine = sizes if runtime.WORKERS or len(chosen) == 1 else sizes.halved()
            job = Job(run, scene, transcript.label, mine, seed, progress)
            _measure_runtime(job, name, runtime, phases)
    return derive.document(run, JOURNEY)


def check_phases(phases: Sequence[str]) -> None:
    """Raise UserError unless ``phases`` are known and at least one."""
    for phase in phases or [""]:
        if phase not in PHASES:
            raise UserError(
                f"{phase!r} is not a phase",
                field="phases",
                remedy=f"choose one or more of {', '.join(PHASES)}",
            )


def _check_available(chosen: Mapping[str, Runtime]) -> None:
    """Raise UserError where not one of the runtimes can run here."""
    reasons = {name: runtime.unavailable() for name, runtime in chosen.items()}
    if None not in reasons.values():
        raise UserError(
            "; ".join(f"{name}: {reason}" for name, reason in reasons.items()),
            field="runtimes",
            remedy="see `bench list runtimes`, and choose one that is available",
        )


@contextmanager
def _scene(
    transcript: Transcript, seed: int, progress: Reporter, options: Mapping[str, Any]
) -> Iterator[Scene]:
    """Services that run and hold what the journey needs."""
    from bench import services, world
    from bench.runtimes import Scene

    progress.step("starting the services")
    with (
        affinity.driving() as cores,
        services.start(seed=seed, cpus=set(cores.driving) or None) as running,
    ):
        progress.step("seeding the services")
        made = world.build(running, transcript.data, seed, **options)
        with Scene.stage(made, running) as scene:
            yield scene


def _measure_runtime(
    job: Job, name: str, runtime: Runtime, phases: Sequence[str]
) -> None:
    reason = runtime.unavailable()
    if reason is not None:
        job.progress.step(f"{name} is left out: {reason}")
        return
    for phase in phases:
        with _cell(job, name, phase, "in path") as cell:
            if cell is not None:
                _measure_phase(job, name, runtime, phase, cell)
    if "warm" in phases:
        with _cell(job, name, "warm", ALONE) as cell:
            if cell is not None:
                _measure_alone(job, name, runtime, cell)
        with _cell(job, name, "warm", "profile") as cell:
            if cell is not None:
                cell.add(_profile(job, name, runtime))
        seconds = job.sizes.profile_seconds
        for what, rows in runtime.cells(job.scene, job.seed, seconds).items():
            with _cell(job, name, "warm", what) as cell:
                if cell is not None:
                    job.progress.step(f"{name} {what}")
                    common = {"runtime": name, "fixture": job.fixture}
                    cell.add({"phase": "", **common, **row} for row in rows())


@contextmanager
def _cell(job: Job, runtime: str, phase: str, what: str) -> Iterator[Cell | None]:
    """The cell to add rows to, or None where it has finished before.

    A failure inside is recorded by the run, whose rows will carry it; the next cell
    goes on. Only what the user must mend ends the measurement.
    """
    key = {"runtime": runtime, "phase": phase, "measurement": what}
    if job.run.done(key):
        yield None
        return
    try:
        with job.run.cell(key) as cell:
            yield cell
    except UserError:
        raise
    except BenchError as error:
        job.progress.step(f"{runtime} {phase} {what} failed: {error}")


def _measure_phase(
    job: Job, name: str, runtime: Runtime, phase: str, cell: Cell
) -> None:
    sizes: PhaseSize = getattr(job.sizes, phase)
    common = {"runtime": name, "phase": phase, "fixture": job.fixture}
    cases = {invocation: invocation for invocation in JOURNEY}
    with runtime.crew(job.scene, phase) as starter_of:
        members = [
            Member(role, starter_of(role), cases, None if role == FLOOR else 1)
            for role in (WHOLE, CONTROL, METERED, FLOOR)
        ]
        with closing(_batches(job, members, phase, sizes, common)) as batches:
            width = _collect(job, batches, sizes, cell, f"{name} {phase}")
    cell.add(samples.stop_rows(width, sizes.target_width, common))


def _batches(
    job: Job, members: list[Member], phase: str, sizes: PhaseSize, common: Row
) -> Generator[list[Row]]:
    """Rows of one group (warm) or of one round of fresh processes (cold) at a time."""
    sentinel = Member(
        SENTINEL,
        starter("bench.measure.subjects:sentinel", {}),
        {SENTINEL: SENTINEL},
        2,
    )
    seq = 0
    with ExitStack() as stack:
        if phase == "warm":
            source = groups([*members, sentinel], sizes.pace, seed=job.seed)
            stack.enter_context(closing(source))
            for process, group in enumerate(source):
                yield samples.warm_rows(group, process, seq, common)
                seq += len(group.order)
        else:
            fresh = cold_rounds([*members, sentinel], seed=job.seed, warmed=WHOLE)
            stack.enter_context(closing(fresh))
            for process, done in enumerate(fresh):
                yield samples.cold_rows(done, process, seq, common)
                seq += len(done.order)


def _collect(
    job: Job,
    batches: Iterator[list[Row]],
    sizes: PhaseSize,
    cell: Cell,
    label: str,
) -> float:
    """Add batches until every invocation is known well enough, or time is up.

    Returns the widest relative interval that was reached.
    """
    rows: list[Row] = []
    width = math.inf
    began = time.monotonic()
    job.progress.step(label)
    for done, batch in enumerate(batches, start=1):
        rows += batch
        cell.add(batch)
        job.progress.step(f"{label}, group {done}")
        elapsed = time.monotonic() - began
        if done < sizes.min_groups:
            continue
        width = derive.width(rows, JOURNEY)
        known = done >= sizes.enough and width <= sizes.target_width
        if known or late(elapsed, done, sizes.seconds):
            break
    return width


def _measure_alone(job: Job, name: str, runtime: Runtime, cell: Cell) -> None:
    sizes = job.sizes.alone
    common = {"runtime": name, "phase": "warm", "fixture": job.fixture}
    began = time.monotonic()
    job.progress.step(f"{name} stages alone")
    with closing(runtime.alone(job.scene, sizes, job.seed)) as source:
        for done, costs in enumerate(source, start=1):
            cell.add(samples.alone_rows(costs, common | {"process": done - 1}))
            job.progress.step(f"{name} stages alone, group {done}")
            elapsed = time.monotonic() - began
            if done >= sizes.min_groups and elapsed * (done + 1) / done > sizes.seconds:
                break


def _profile(job: Job, name: str, runtime: Runtime) -> list[Row]:
    job.progress.step(f"{name} profile of the warm path")
    seconds = job.sizes.profile_seconds
    rows = runtime.profile(job.scene, job.run, seconds, job.seed)
    return [{"runtime": name, "phase": "warm", **row} for row in rows]
