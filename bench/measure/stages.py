"""`bench stages`: where the CPU of one RAG journey goes, stage by stage.

The journey is a transcript's ingestion, the consumption of its queue messages and a
chat request about it: three invocations, each with a CPU limit of its own on Workers.
Every cell is measured by processes of the runtime that take turns on one core; the
answer is derived from the stored samples alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Sequence
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
from bench.measure.sizes import PhaseSize, size
from bench.measure.turns import Member, groups

if TYPE_CHECKING:
    from bench.runtimes import Runtime, Scene
    from bench.store import Cell, Run
    from bench.transcript import Transcript

PHASES = ("cold", "warm")
# The measured journey, in the order in which it happens.
JOURNEY = ("ingest", "consume", "chat")


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
    profile: str
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
) -> dict[str, Any]:
    """Measure what the run lacks, then derive the document of ``bench stages``.

    Cells that the run has finished are not measured again. A cell that fails becomes
    an error in its rows, and the others go on. Raises UserError for an unknown
    runtime, phase or profile before anything starts.
    """
    from bench import runtimes as registry

    chosen = {name: registry.load(name) for name in runtimes}
    check_phases(phases)
    size(profile)
    with _scene(transcript, seed, progress) as scene:
        job = Job(run, scene, transcript.label, profile, seed, progress)
        for name, runtime in chosen.items():
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


@contextmanager
def _scene(transcript: Transcript, seed: int, progress: Reporter) -> Iterator[Scene]:
    """Services that run and hold what the journey needs."""
    from bench import services, world
    from bench.runtimes import Scene

    progress.step("starting the services")
    with (
        affinity.driving() as cores,
        services.start(seed=seed, cpus=set(cores.driving) or None) as running,
    ):
        progress.step("seeding the services")
        made = world.build(running, transcript.data, seed)
        with Scene.stage(made, running.endpoints) as scene:
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
                _profile(job, name, runtime)


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
    members = [_member(job, runtime, role) for role in (WHOLE, CONTROL, METERED)]
    members.append(_member(job, runtime, FLOOR))
    sizes: PhaseSize = getattr(size(job.profile), phase)
    common = {"runtime": name, "phase": phase, "fixture": job.fixture}
    with closing(_batches(job, members, phase, sizes, common)) as batches:
        width = _collect(job, batches, sizes, cell, f"{name} {phase}")
    cell.add(samples.stop_rows(width, sizes.target_width, common))


def _member(job: Job, runtime: Runtime, role: str) -> Member:
    loops = None if role == FLOOR else 1
    cases = {invocation: invocation for invocation in JOURNEY}
    return Member(role, runtime.starter(role, job.scene), cases, loops)


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
            fresh = cold_rounds([*members, sentinel], seed=job.seed)
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
        # Another group must still fit: the limit is a promise.
        late = elapsed * (done + 1) / done > sizes.seconds
        if late or width <= sizes.target_width:
            break
    return width


def _measure_alone(job: Job, name: str, runtime: Runtime, cell: Cell) -> None:
    sizes = size(job.profile).alone
    cases = {case: case for case in runtime.alone_cases(JOURNEY)}
    member = Member(ALONE, runtime.starter(ALONE, job.scene), cases)
    common = {"runtime": name, "phase": "warm", "fixture": job.fixture}
    began = time.monotonic()
    with closing(groups([member], sizes.pace, seed=job.seed)) as source:
        for done, group in enumerate(source, start=1):
            cell.add(samples.warm_rows(group, done - 1, 0, common))
            job.progress.step(f"{name} stages alone, group {done}")
            elapsed = time.monotonic() - began
            if done >= sizes.min_groups and elapsed * (done + 1) / done > sizes.seconds:
                break


def _profile(job: Job, name: str, runtime: Runtime) -> None:
    job.progress.step(f"{name} profile of the warm path")
    runtime.profile(job.scene, job.run, size(job.profile).profile_seconds, job.seed)
