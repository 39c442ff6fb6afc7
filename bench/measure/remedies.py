"""`bench remedies`: the article's fixes, tried for real.

Remedies take turns: a group of each, then another of each, until the time is up. A
group is a cell of the run, so an interrupted run goes on with those that it lacks.

    invocation  remedy           fixture   the circumstance
    stage       the remedy       process   the group
    variant     the fix, or what it replaces
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.measure import affinity
from bench.measure.contest_tables import SCHEMA, failures
from bench.remedies import Ground, _numbers, load

if TYPE_CHECKING:
    from pandas import DataFrame

    from bench.measure.stages import Reporter
    from bench.store import Run

INVOCATION = "remedy"
PHASE = "warm"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """How long a profile takes, and how many groups of each remedy at least and most.

    A quiet machine has time for three or four in the quick profile; the least is what
    an interval needs.
    """

    seconds: float
    least: int
    most: int


SIZES = {"quick": Size(40, 2, 8), "full": Size(600, 6, 40)}


def measure(
    run: Run,
    *,
    profile: str,
    seed: int,
    progress: Reporter,
    size: Size | None = None,
    modules: Mapping[str, ModuleType] | None = None,
) -> Row:
    """Measure what the run lacks, then derive the document of ``bench remedies``.

    A remedy that fails has an error and is not tried again in this call; the others go
    on. ``modules`` replaces the remedies of the folder.
    """
    size = size or SIZES[profile]
    known = load() if modules is None else modules
    with affinity.driving(), Ground(seed) as ground:
        _try(_Job(run, ground, size, seed, progress), known)
    return document(run, known)


@dataclass(frozen=True, slots=True)
class _Job:
    run: Run
    ground: Ground
    size: Size
    seed: int
    progress: Reporter


def _try(job: _Job, modules: Mapping[str, ModuleType]) -> None:
    began = time.monotonic()
    lasted = dict.fromkeys(modules, 0.0)
    left = list(modules)
    for group in range(job.size.most):
        for name in list(left):
            if job.run.done(_key(name, group)):
                continue
            start = time.monotonic()
            # Another group must still fit: the limit is a promise.
            late = start - began + lasted[name] > job.size.seconds
            if group >= job.size.least and late:
                left.remove(name)
                continue
            job.progress.step(f"{name}, group {group + 1}")
            try:
                _group(job, name, modules[name], group)
            except BenchError as error:
                # The run has recorded it.
                job.progress.step(f"{name} failed: {error}")
                left.remove(name)
            lasted[name] = time.monotonic() - start


def _key(name: str, group: int) -> Row:
    return {"remedy": name, "group": group}


def _group(job: _Job, name: str, module: ModuleType, group: int) -> None:
    place = {
        "runtime": module.RUNTIME,
        "phase": PHASE,
        "invocation": INVOCATION,
        "stage": name,
        "process": group,
    }
    with job.run.cell(_key(name, group)) as cell:
        found = module.measure(job.ground, job.seed + group)
        cell.add([place | one for one in found])


def document(run: Run, modules: Mapping[str, ModuleType] | None = None) -> Row:
    """Everything that was found out, from the raw samples of ``run`` alone.

    ``rows`` have the value of each remedy, variant, fixture and metric with its 95 %
    interval over ``n`` groups, ``remedies`` what they say together.
    """
    known = load() if modules is None else modules
    samples = run.samples()
    samples = samples[samples["invocation"] == INVOCATION]
    errors = {
        error["key"]["remedy"]: error["message"]
        for error in run.errors()
        if "remedy" in error["key"]
    }
    by = {name: samples[samples["stage"] == name] for name in known}
    remedies = [
        _concluded(name, module, by[name], errors.get(name))
        for name, module in known.items()
    ]
    manifest = run.manifest
    return {
        "schema": SCHEMA,
        "run": run.id,
        "machine": run.machine,
        "command": manifest.get("command", ""),
        "profile": manifest.get("profile", ""),
        "remedies": remedies,
        "rows": [
            {"remedy": name} | one for name in known for one in _numbers.rows(by[name])
        ],
        "tables": [_table(one) for one in remedies if one["control"] is not None],
        "errors": failures(run),
    }


def _concluded(
    name: str, module: ModuleType, samples: DataFrame, error: str | None
) -> Row:
    said: Row = {"answer": None, "numbers": [], "control": None}
    try:
        if samples.empty:
            raise BenchError(error or "was not measured")
        found = module.conclude(samples)
        said = {
            "answer": found.text,
            "numbers": found.numbers,
            "control": found.control,
        }
    except BenchError as problem:
        error = error or str(problem)
    return {
        "remedy": name,
        "title": module.TITLE,
        "question": module.QUESTION,
        "n": int(samples["process"].nunique()),
        **said,
        "error": error,
    }


def _table(remedy: Row) -> Row:
    control = remedy["control"]
    holds = control["low"] <= 1.0 <= control["high"]
    return {"remedy": remedy["remedy"], "control": control, "holds": holds}
