"""What an engine outside costs: its own time by size, and the Worker in front of it.

An engine's time is wall clock, and its CPU, for one request after the other; it has the
measuring core. Index sizes are those that fit here, grown in one process, each held to
an exact reference; `bench.engines._law` carries them to sizes that do not fit.

    runtime     engine             phase     warm
    invocation  engine             stage     rag_complex (the article's filter),
    variant     the engine                   unfiltered, conversation_load, ..._save
    fixture     ``2000x1536``, or ``1000 conversations``
    metric      service, cpu (ms, the engine alone), wall (ms, round trip over HTTP),
                recall (share of the exact answer), seed (s, with building the index)

The Worker's rows are those of the workloads (`bench.measure.workloads`): invocation
``workload``, stage ``rag_complex`` or ``conversation_large``, variant the engine; cpu,
locked, wall in ms, subrequests, and the bytes of their bodies, in and out, all of one
request. An interrupted run goes on with the cells that it lacks.

An engine that cannot run here is skipped: its row of the document says why, and that is
no error. One that fails while it runs is one.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bench.engines import Filter, _gateway, _history, _tables
from bench.engines._client import Asked, Running
from bench.engines._corpus import DIMS, WANTED, Corpus, corpus, queries, recall
from bench.engines._gateway import COMPLEX, LARGE, Gateway, K
from bench.engines._tables import ENGINE, LOAD, SAVE, UNFILTERED, WORKLOAD
from bench.errors import BenchError, UserError
from bench.measure import affinity
from bench.measure.sizes import late
from bench.measure.stages import Reporter, check_phases
from bench.measure.warmup import STEADY_TURNS, is_steady
from bench.workerd import tools
from bench.workerd.isolates import Cost, Isolates

if TYPE_CHECKING:
    from bench.store import Run

MIN_GROUPS = 3
_GATEWAY_VECTORS = 1000  # what the Worker pays depends on k, not on them
_GATEWAY_QUERIES = 16
_COLD, _WARM = 6, 24  # requests of one group
_WARM_UP = 60  # at most
_AGAIN = 2  # times that a traced request is sent again when it waited for its core
_MS = 1e-6
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of the index and of the conversations, queries asked at each, the seconds
    that the Worker in front is measured for, all engines together, and those that one
    engine by itself takes at most, with its start and its seeding."""

    vectors: tuple[int, ...]
    conversations: tuple[int, ...]
    queries: int
    seconds: float
    each: float = 0.0


PLANS = {
    "quick": Plan((250, 500, 1000, 2000), (1000, 2000, 4000, 8000), 32, 24, 18),
    "full": Plan(
        (1000, 2000, 4000, 8000, 16_000, 32_000),
        (500, 2000, 8000, 32_000, 128_000),
        200,
        240,
        360,
    ),
}
"""By duration profile; 32,000 vectors take a few minutes to index."""


@dataclass(frozen=True, slots=True)
class _Job:
    run: Run
    engine: ModuleType
    name: str
    plan: Plan
    dims: int
    seed: int
    progress: Reporter
    wanted: Sequence[str]

    @property
    def workloads(self) -> list[str]:
        served = [COMPLEX, LARGE] if self.name == "postgres" else [COMPLEX]
        return [name for name in served if name in self.wanted]

    @property
    def key(self) -> Row:
        sizes = {COMPLEX: self.plan.vectors, LARGE: self.plan.conversations}
        asked = [list(sizes[name]) for name in self.workloads]
        return {"engine": self.name, "dims": self.dims, "sizes": asked}


def seconds(plan: Plan, engines: Mapping[str, ModuleType]) -> float:
    """An upper estimate for the progress display, of the engines that can run here."""
    here = [name for name, each in engines.items() if each.unavailable() is None]
    return plan.seconds + plan.each * len(here) if here else 0.0


def measure(
    run: Run,
    engines: dict[str, ModuleType],
    plan: Plan,
    *,
    phases: Sequence[str],
    seed: int,
    progress: Reporter,
    workloads: Sequence[str] = (COMPLEX, LARGE),
    dims: int = DIMS,
) -> Row:
    """Measure what the run lacks, then give `bench.engines._tables.document`.

    ``workloads`` are those that the engines are asked for. An engine that is not here
    is skipped, one that fails has an error; the others go on. Raises UserError for an
    unknown phase.
    """
    check_phases(phases)
    jobs = [
        _Job(run, engine, name, plan, dims, seed, progress, workloads)
        for name, engine in engines.items()
    ]
    combinations = sum(len(job.workloads) for job in jobs)
    each = plan.seconds / max(1, combinations * len(phases))
    for job in jobs:
        key = {"engine": job.name}
        try:
            with affinity.driving():
                _measure_engine(job, phases, each)
            _retract(run, key)
        except UserError:
            raise
        except BenchError as error:
            progress.step(f"{job.name} ended: {error}")
            with suppress(BenchError), run.cell(key):
                raise
    return _tables.document(run, engines, phases)


def _retract(run: Run, key: Row) -> None:
    """What an earlier attempt recorded is no error of one that went well."""
    if any(error["key"] == key for error in run.errors()):
        with run.cell(key):
            pass


def _measure_engine(job: _Job, phases: Sequence[str], seconds: float) -> None:
    reason = job.engine.unavailable()
    if reason is not None:
        job.progress.step(f"{job.name} skipped: {reason}")
        return
    if not job.run.done(job.key):
        core = affinity.plan().measuring
        with (
            job.run.cell(job.key) as cell,
            job.engine.start(cpus=None if core is None else {core}) as running,
        ):
            cell.add(_services(job, running))
    lacking = [
        (workload, phase)
        for workload in job.workloads
        for phase in phases
        if _first_group(job, workload, phase) < MIN_GROUPS
    ]
    if lacking:
        _measure_gateway(job, lacking, seconds)


def _services(job: _Job, running: Running) -> Iterator[Row]:
    """The engine's own time at all sizes."""
    if COMPLEX in job.workloads:
        yield from _searches(job, running)
    if LARGE in job.workloads:
        yield from _conversations(job, running)


def _searches(job: _Job, running: Running) -> Iterator[Row]:
    """Building, and asking with the article's filter and without, more and more."""
    most = corpus(max(job.plan.vectors), job.seed, job.dims)
    asked = queries(job.plan.queries, job.seed, job.dims)
    for size in sorted(job.plan.vectors):
        job.progress.step(f"{job.name}, {size:,} vectors: seeding")
        part = most.part(running.count, size)
        began = time.perf_counter()
        running.seed(part.vectors, part.payloads)
        fixture = f"{size}x{job.dims}"
        spent = time.perf_counter() - began
        yield _row(job, "seed", fixture) | _value("seed", "s", spent)
        job.progress.step(f"{job.name}, {size:,} vectors: asking")
        held = most.part(0, size)
        for stage, wanted in ((COMPLEX, WANTED), (UNFILTERED, None)):
            yield from _asked(job, running, held, asked, stage, wanted)


def _asked(
    job: _Job,
    running: Running,
    held: Corpus,
    asked: Any,
    stage: str,
    wanted: Filter | None,
) -> Iterator[Row]:
    exact = held.exact(asked, wanted, K)
    place = _row(job, stage, f"{len(held.vectors)}x{job.dims}")
    for vector in asked[:STEADY_TURNS]:
        running.asked(vector, wanted, K)
    for seq, vector in enumerate(asked):
        one = running.asked(vector, wanted, K)
        found = [match.id for match in job.engine.matches(one.reply)]
        yield from _times(place | {"seq": seq}, one)
        right = recall(found, exact[seq])
        yield place | {"seq": seq} | _value("recall", "share", right)


def _conversations(job: _Job, running: Running) -> Iterator[Row]:
    """Loading and saving turns among more and more conversations."""
    before = 0
    for size in sorted(job.plan.conversations):
        job.progress.step(f"{job.name}, {size:,} conversations")
        _history.seed(running, before, size)
        before = size
        fixture = f"{size} conversations"
        # Others each time, spread over all: what was just used is in the cache.
        step = max(1, size // job.plan.queries)
        for seq in range(-STEADY_TURNS, job.plan.queries):
            conversation = _history.name((seq * step) % size)
            loaded = running.post("/sql", _history.load(conversation))
            if len(loaded.reply["results"][1]["rows"]) != _history.MESSAGES:
                raise BenchError(f"{conversation} has not all of its messages")
            turn = _history.save(conversation, _gateway.QUESTION, _gateway.ANSWER)
            saved = running.post("/sql", turn)
            if seq >= 0:
                yield from _times(_row(job, LOAD, fixture) | {"seq": seq}, loaded)
                yield from _times(_row(job, SAVE, fixture) | {"seq": seq}, saved)


def _measure_gateway(
    job: _Job, lacking: Sequence[tuple[str, str]], seconds: float
) -> None:
    reason = tools.unavailable()
    if reason is not None:
        raise BenchError(reason)
    known = corpus(_GATEWAY_VECTORS, job.seed, job.dims)
    asked = queries(_GATEWAY_QUERIES, job.seed, job.dims)
    with (
        job.engine.start(cpus=set(affinity.plan().driving) or None) as running,
        tempfile.TemporaryDirectory(prefix="workbench-") as folder,
    ):
        running.seed(known.vectors, known.payloads)
        if LARGE in job.workloads:
            _history.seed(running, 0, min(job.plan.conversations))
        module = _gateway.build(Path(folder))
        gateway = Gateway(running, module, known, asked, job.workloads)
        for workload, phase in lacking:
            with suppress(BenchError):  # the run has recorded it
                _groups(job, gateway, workload, phase, seconds)


def _groups(
    job: _Job, gateway: Gateway, workload: str, phase: str, seconds: float
) -> None:
    """Groups of fresh processes until the time is used, and ``MIN_GROUPS`` at least."""
    began = time.monotonic()
    first = _first_group(job, workload, phase)
    group = {"cold": _cold, "warm": _warm}[phase]
    for number in count(first):
        spent, new = time.monotonic() - began, number - first
        if number >= MIN_GROUPS and late(spent, new, seconds):
            return
        job.progress.step(f"{job.name} {workload} {phase}, group {number + 1}")
        place = {
            "runtime": "workerd",
            "phase": phase,
            "invocation": WORKLOAD,
            "stage": workload,
            "variant": job.name,
            "fixture": gateway.fixtures[workload],
            "process": number,
        }
        with job.run.cell(_key(job, workload, phase, number)) as cell:
            for seq, values in enumerate(group(gateway, workload)):
                cell.add(place | {"seq": seq} | value for value in values)


def _cold(gateway: Gateway, workload: str) -> Iterator[list[Row]]:
    """The first request of isolates that were never asked, but for the first one, with
    which the process meets a request."""
    spare = _COLD * (1 + _AGAIN)
    with (
        gateway.isolates(1 + _COLD) as plain,
        gateway.isolates(1 + spare, trace=True) as traced,
    ):
        fresh = iter(range(1, 1 + spare))
        for isolates in (plain, traced):
            gateway.cost(isolates, 0, workload, 0)
        for seq in range(_COLD):
            places = [next(fresh) for _ in range(1 + _AGAIN)]
            yield _one(gateway, workload, seq, (plain, 1 + seq), (traced, places))


def _warm(gateway: Gateway, workload: str) -> Iterator[list[Row]]:
    """Requests of one isolate, after they have become steady."""
    with gateway.isolates(1) as plain, gateway.isolates(1, trace=True) as traced:
        seen: list[float] = []
        while len(seen) < _WARM_UP:
            seen.append(gateway.cost(plain, 0, workload, len(seen))[0].cpu)
            gateway.cost(traced, 0, workload, len(seen))
            if len(seen) >= 2 * STEADY_TURNS and is_steady(seen):
                break
        for seq in range(_WARM):
            places = [0] * (1 + _AGAIN)
            yield _one(gateway, workload, seq, (plain, 0), (traced, places))


def _one(
    gateway: Gateway,
    workload: str,
    seq: int,
    plain: tuple[Isolates, int],
    traced: tuple[Isolates, Sequence[int]],
) -> list[Row]:
    cost, answer = gateway.cost(*plain, workload, seq)
    values = [
        _value("cpu", "ms", cost.cpu * _MS),
        _value("wall", "ms", cost.wall * _MS),
        _value("subrequests", "count", answer.calls),
        _value("bytes_in", "bytes", answer.received),
        _value("bytes_out", "bytes", answer.sent),
    ]
    if tools.features().async_trace:
        under = _undisturbed(gateway, workload, seq, *traced)
        values.append(_value("locked", "ms", (under.locked or 0) * _MS))
    return values


def _undisturbed(
    gateway: Gateway, workload: str, seq: int, isolates: Isolates, places: Sequence[int]
) -> Cost:
    """The first request that did not wait for its core, else the one that waited least:
    time under the lock is wall time."""
    costs = []
    for place in places:
        costs.append(gateway.cost(isolates, place, workload, seq)[0])
        if _waited(costs[-1]) <= 0:
            break
    return min(costs, key=_waited)


def _waited(cost: Cost) -> int:
    return (cost.run_delay or 0) - cost.helpers


def _first_group(job: _Job, workload: str, phase: str) -> int:
    return next(n for n in count() if not job.run.done(_key(job, workload, phase, n)))


def _key(job: _Job, workload: str, phase: str, number: int) -> Row:
    return {"workload": workload, "route": job.name, "phase": phase, "group": number}


def _row(job: _Job, stage: str, fixture: str) -> Row:
    return {
        "runtime": ENGINE,
        "phase": "warm",
        "invocation": ENGINE,
        "stage": stage,
        "variant": job.name,
        "fixture": fixture,
    }


def _times(place: Row, one: Asked) -> Iterator[Row]:
    yield place | _value("service", "ms", one.engine_ms)
    yield place | _value("cpu", "ms", one.cpu_ms)
    yield place | _value("wall", "ms", one.wall_ms)


def _value(metric: str, unit: str, value: float) -> Row:
    return {"metric": metric, "unit": unit, "value": value}
