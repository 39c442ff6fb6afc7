"""What each option costs the Worker, cold and warm: into a run, and out of it again.

A group of fresh processes is one cell of the run, and one estimate of every case; an
interrupted run goes on with the groups that it lacks.

    runtime     workerd          phase      cold or warm
    invocation  offload          fixture    the size, such as 8x1536
    stage       the option       process    the group
    metric      cpu, wall, helpers, locked, waited (us), sent, received (bytes), all of
                a request
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError, UserError
from bench.measure import affinity
from bench.measure.estimate import over_processes
from bench.measure.process import Turn
from bench.measure.sizes import late
from bench.measure.stages import Reporter, check_phases
from bench.measure.turns import Member, Pace, groups
from bench.offload import OPTIONS, case, size
from bench.offload.questions import beyond
from bench.offload.scene import Scene, stage
from bench.offload.subjects import Failures, Warm, cold_rounds
from bench.workerd import tools

if TYPE_CHECKING:
    import pandas as pd

    from bench.store import Run

INVOCATION = "offload"
MIN_GROUPS = 2
# A warm group takes this share of its phase, so that there are about as many.
_WARM_GROUPS = 8
# Of the seconds, where both phases are measured: groups of processes start slowly.
_SHARES = {"cold": 0.35, "warm": 0.65}
_US = 1e-3
_METRICS = ("cpu", "wall", "helpers", "locked", "waited", "sent", "received")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Job:
    run: Run
    scene: Scene
    seed: int
    progress: Reporter
    failures: Mapping[str, Failures]  # by phase


def measure(
    run: Run,
    grid: Sequence[tuple[int, int]],
    *,
    phases: Sequence[str],
    seconds: float,
    seed: int,
    progress: Reporter,
) -> list[Row]:
    """Measure what the run lacks for each (k, dims) of ``grid``, then give ``rows``.

    Takes about ``seconds`` in all, and at least ``MIN_GROUPS`` groups a phase. Answers
    are checked before the clock. An option that fails has an error in its row, the
    others go on. Raises UserError for an unknown phase, BenchError where workerd or
    the hosts cannot run.
    """
    check_phases(phases)
    reason = tools.unavailable()
    if reason is not None:
        raise BenchError(reason)
    until = time.monotonic() + seconds
    progress.step("starting the index and the re-ranking service")
    with affinity.driving(), stage(grid, seed) as scene:
        progress.step(f"re-ranking service: {scene.gpu}")
        wrong = scene.check(list(scene.cases))
        failures = {phase: dict(wrong) for phase in phases}
        job = _Job(run, scene, seed, progress, failures)
        left = sum(_SHARES[phase] for phase in phases)
        for phase in phases:
            _retract(job, phase)
            now = time.monotonic()
            mine = max(0.0, until - now) * _SHARES[phase] / left
            left -= _SHARES[phase]
            try:
                _measure_phase(job, phase, mine)
            except UserError:
                raise
            except BenchError as error:
                # The run has recorded it; what was measured before counts.
                progress.step(f"offload {phase} ended: {error}")
            for name, message in failures[phase].items():
                _record(job, phase, name, message)
    return rows(run, grid, phases)


def rows(run: Run, grid: Sequence[tuple[int, int]], phases: Sequence[str]) -> list[Row]:
    """One row for each phase, size and option, from what the run holds.

    CPU of the main thread and time under the isolate lock in us with 95 % intervals
    over ``n`` groups of processes; ``waited_us`` is how much of the time under the lock
    may be waiting for the core, where something else ran on it; ``round_trip_ms`` is
    the median wall clock of the whole request on loopback; bytes are those of the
    bodies that the Worker sent to the service, and received from it and from the index.
    ``beyond`` says which limit of Vectorize the size exceeds. Numbers are None where
    there is an ``error``.
    """
    table = run.samples()
    table = table[table["invocation"] == INVOCATION]
    errors = {
        (error["key"]["offload"], error["key"]["case"]): error["message"]
        for error in run.errors()
        if "case" in error["key"] and "offload" in error["key"]
    }
    found = []
    for phase in phases:
        for k, dims in grid:
            for option in OPTIONS:
                here = table[
                    (table["phase"] == phase)
                    & (table["fixture"] == size(k, dims))
                    & (table["stage"] == option)
                ]
                error = errors.get((phase, case(option, size(k, dims))))
                place = {"option": option, "phase": phase, "k": k, "dims": dims}
                known = beyond(k, dims)
                found.append(place | _numbers(here, error) | {"beyond": known})
    return found


def _numbers(table: pd.DataFrame, error: str | None) -> Row:
    if error is None and table.empty:
        error = "was not measured"
    if error is not None:
        table = table.iloc[:0]
    by = {metric: table[table["metric"] == metric] for metric in _METRICS}
    cpu, locked = over_processes(by["cpu"]), over_processes(by["locked"])
    waited = over_processes(by["waited"])
    wall = None if table.empty else float(by["wall"]["value"].median()) / 1000
    return {
        "worker_cpu_us": cpu and cpu.value,
        "worker_low": cpu and cpu.low,
        "worker_high": cpu and cpu.high,
        "locked_us": locked and locked.value,
        "locked_low": locked and locked.low,
        "locked_high": locked and locked.high,
        "waited_us": waited and waited.value,
        "round_trip_ms": wall,
        "request_bytes": _bytes(by["sent"]),
        "response_bytes": _bytes(by["received"]),
        "n": cpu.n if cpu else 0,
        "error": error,
    }


def _bytes(table: pd.DataFrame) -> int | None:
    return None if table.empty else round(float(table["value"].median()))


def _retract(job: _Job, phase: str) -> None:
    """Cells of cases that failed in an earlier attempt and are sound now."""
    for error in job.run.errors():
        key = error["key"]
        if key.get("offload") != phase or key.get("case") not in job.scene.cases:
            continue
        if key["case"] not in job.failures[phase] and not job.run.done(key):
            with job.run.cell(key):
                pass


def _record(job: _Job, phase: str, name: str, message: str) -> None:
    job.progress.step(f"{phase} {name} failed: {message}")
    # The run keeps it; the others go on.
    with suppress(BenchError), job.run.cell({"offload": phase, "case": name}):
        raise BenchError(message)


def _measure_phase(job: _Job, phase: str, seconds: float) -> None:
    failures = job.failures[phase]
    cases = [name for name in job.scene.cases if name not in failures]
    first = next(
        number for number in count() if not job.run.done(_key(job, phase, number))
    )
    if not cases:
        return
    began = time.monotonic()
    with closing(_batches(job, phase, cases, first, seconds)) as batches:
        for number in count(first):
            spent, new = time.monotonic() - began, number - first
            ended = late(spent, new, seconds) if new else first >= MIN_GROUPS
            if len(failures) == len(job.scene.cases) or (
                number >= MIN_GROUPS and ended
            ):
                return
            job.progress.step(f"offload {phase}, group {number + 1}")
            with job.run.cell(_key(job, phase, number)) as cell:
                turns = [turn for turn in next(batches) if turn.case not in failures]
                cell.add(_samples(job.scene, phase, number, turns))


def _key(job: _Job, phase: str, group: int) -> Row:
    sizes = [question.size for question in job.scene.questions]
    return {"offload": phase, "group": group, "sizes": sizes}


def _batches(
    job: _Job, phase: str, cases: Sequence[str], first: int, seconds: float
) -> Generator[list[Turn]]:
    """The turns of one group (warm) or round of fresh processes (cold) at a time."""
    failures, seed = job.failures[phase], job.seed + first
    if phase == "cold":
        rounds = cold_rounds(job.scene, cases, failures, seed=seed)
        with closing(rounds):
            for turns in rounds:
                yield list(turns.values())
        return

    def start(number: int) -> Warm:
        return Warm(job.scene, number, failures)

    group = seconds / _WARM_GROUPS
    each = group / len(cases)
    # Large cases get a turn or two, and small ones the time that is left.
    pace = Pace(64, group / 2, warm_seconds=each / 3, block_seconds=each / 2, least=1)
    member = Member("worker", start, {name: name for name in cases}, 1)
    with closing(groups([member], pace, seed=seed)) as stream:
        for one in stream:
            yield [turn for turns in one.turns.values() for turn in turns]


def _samples(
    scene: Scene, phase: str, process: int, turns: Sequence[Turn]
) -> Iterator[Row]:
    for seq, turn in enumerate(turns):
        option, question = scene.cases[turn.case]
        place = {
            "runtime": "workerd",
            "phase": phase,
            "invocation": INVOCATION,
            "stage": option.name,
            "variant": "plain",
            "fixture": question.size,
            "process": process,
            "seq": seq,
        }
        known = {"cpu": turn.cpu, "wall": turn.wall, **turn.extra}
        for metric, value in known.items():
            if metric in ("sent", "received"):
                spent, unit = value / turn.n, "bytes"
            else:
                spent, unit = value / turn.n * _US, "us"
            yield place | {"metric": metric, "unit": unit, "value": spent}
