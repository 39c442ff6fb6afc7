"""What a run says of the engines: their time, its law, and the Worker in front."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bench.engines import _law
from bench.engines._gateway import COMPLEX, LARGE
from bench.measure.estimate import over_processes
from bench.measure.statistics import typical

if TYPE_CHECKING:
    from pandas import DataFrame

    from bench.store import Run

ENGINE, WORKLOAD = "engine", "workload"
UNFILTERED, LOAD, SAVE = "unfiltered", "conversation_load", "conversation_save"
TARGETS = {COMPLEX: 5_000_000, UNFILTERED: 5_000_000, LOAD: 10**6, SAVE: 10**6}
"""Sizes that the question is about, and that no machine here holds."""
NOTE = (
    "An extrapolation: it takes for granted that the engine goes on as it did at the "
    "sizes measured, with all of the index in memory. Vectors are searched through the "
    "graph at every size, as they would be where there are millions; a graph's cost "
    "grows slower and slower, so that this law says too much rather than too little."
)
Row = dict[str, Any]


def document(run: Run, engines: dict[str, ModuleType], phases: Sequence[str]) -> Row:
    """``engines``, ``services`` (one row an engine, stage and size), ``laws`` (one an
    engine and stage), ``workers`` (one an engine, workload and phase), ``errors``.

    Times in ms. ``service_ms`` is wall clock of a typical request in the engine
    alone, ``cpu_ms`` its CPU, ``wall_ms`` the round trip over HTTP. A law is of one
    ``metric``. ``n`` counts requests of one process in ``services``, sizes in ``laws``,
    groups of processes, over which the intervals are, in ``workers``. ``times_beyond``
    is how many times the size of an extrapolation exceeds the largest one measured.
    """
    samples = run.samples()
    services = list(_services(samples))
    return {
        "engines": [
            {
                "engine": name,
                "version": engine.version(),
                "note": engine.NOTE,
                "unavailable": engine.unavailable(),
            }
            for name, engine in engines.items()
        ],
        "services": services,
        "laws": list(_laws(services)),
        "note": NOTE,
        "workers": list(_workers(samples, list(engines), phases)),
        "errors": [
            {"key": error["key"], "message": error["message"]}
            for error in run.errors()
            if "engine" in error["key"] or error["key"].get("route") in engines
        ],
    }


def _services(samples: DataFrame) -> Iterator[Row]:
    table = samples[samples["invocation"] == ENGINE]
    for (engine, stage, fixture), here in table.groupby(
        ["variant", "stage", "fixture"], sort=False
    ):
        by = {metric: list(part["value"]) for metric, part in here.groupby("metric")}
        if "service" not in by:
            continue
        recalls = by.get("recall")
        yield {
            "engine": engine,
            "stage": stage,
            "size": int(str(fixture).replace("x", " ").split()[0]),
            "fixture": fixture,
            "service_ms": typical(by["service"]),
            "cpu_ms": typical(by["cpu"]),
            "wall_ms": typical(by["wall"]),
            "recall": sum(recalls) / len(recalls) if recalls else None,
            "n": len(by["service"]),
        }


def _laws(services: Sequence[Row]) -> Iterator[Row]:
    places = dict.fromkeys((row["engine"], row["stage"]) for row in services)
    for engine, stage in places:
        here = [
            row for row in services if (row["engine"], row["stage"]) == (engine, stage)
        ]
        for metric in ("service_ms", "cpu_ms"):
            law = _law.fit({row["size"]: row[metric] for row in here})
            if law is not None:
                yield {"engine": engine, "stage": stage, "metric": metric} | _law_row(
                    law, TARGETS[stage]
                )


def _law_row(law: _law.Law, target: int) -> Row:
    there = law.at(target)
    return {
        "exponent": law.exponent.value,
        "exponent_low": law.exponent.low,
        "exponent_high": law.exponent.high,
        "smallest": law.smallest,
        "largest": law.largest,
        "n": law.exponent.n,
        "at": target,
        "value": there.value,
        "low": there.low,
        "high": there.high,
        "extrapolated": not law.measured(target),
        "times_beyond": target / law.largest,
    }


def _workers(
    samples: DataFrame, engines: Sequence[str], phases: Sequence[str]
) -> Iterator[Row]:
    # The Worker's own routes stand in the same places of the same run.
    table = samples[
        (samples["invocation"] == WORKLOAD)
        & samples["stage"].isin([COMPLEX, LARGE])
        & samples["variant"].isin(engines)
    ]
    for (workload, engine, phase), here in table.groupby(
        ["stage", "variant", "phase"], sort=False
    ):
        if phase not in phases:
            continue
        by = dict(iter(here.groupby("metric")))
        cpu, locked = (over_processes(by[m]) if m in by else None for m in _CLOCKS)
        middle = {name: float(by[name]["value"].median()) for name in _COUNTS}
        yield {
            "workload": workload,
            "engine": engine,
            "phase": phase,
            "cpu_ms": cpu and cpu.value,
            "low": cpu and cpu.low,
            "high": cpu and cpu.high,
            "locked_ms": locked and locked.value,
            "locked_low": locked and locked.low,
            "locked_high": locked and locked.high,
            "wall_ms": middle["wall"],
            "subrequests": round(middle["subrequests"]),
            "bytes_in": round(middle["bytes_in"]),
            "bytes_out": round(middle["bytes_out"]),
            "n": cpu.n if cpu else 0,
        }


_CLOCKS = ("cpu", "locked")
_COUNTS = ("wall", "subrequests", "bytes_in", "bytes_out")
