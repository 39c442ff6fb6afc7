"""The document of ``bench worker``, derived from a run's samples and facts alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from bench.measure.estimate import over_processes
from bench.measure.project import FACTS, HEAP, INVOCATION
from bench.measure.stages import PHASES
from bench.measure.statistics import Interval, mean_interval, typical
from bench.platform import LimitProfile, limit_profiles
from bench.project._process import FLOOR
from bench.project.scene import CALLS, FAILED
from bench.project.verdicts import assumptions, verdicts
from bench.verdict._matrix_costs import CPU, LOCKED

if TYPE_CHECKING:
    import pandas as pd

    from bench.store import Run

SCHEMA = 1
Row = dict[str, Any]


def document(run: Run, limits: LimitProfile) -> Row:
    """``rows`` a route and phase, ``totals`` a phase, ``functions``, ``flame``
    (stacks), ``memory`` and ``verdicts`` a profile of limits and route, the mix first.

    Times in ms with 95 % intervals over ``n`` process groups: ``cpu_ms`` of the main
    thread, ``locked_ms`` under the isolate lock, which is what Workers charges; nothing
    is subtracted from either. ``wall_ms`` and ``outside_ms`` are medians on loopback,
    ``floor_cpu_ms`` the CPU of the same process for an empty Worker. A route that
    answers an error, or not always the same status, has a ``doubt`` and no verdict.
    Numbers are None where there is an ``error``.
    """
    facts = orjson.loads((run.path / FACTS).read_bytes())
    table = run.samples()
    table = table[table["invocation"] == INVOCATION]
    failed = {
        (error["key"]["route"], error["key"]["phase"]): error["message"]
        for error in run.errors()
        if "route" in error["key"]
    }
    weights: dict[str, int] = facts["weights"]
    rows = [
        _row(table, route, phase, weights[route], failed.get((route, phase)))
        for route in sorted(weights, key=lambda r: -weights[r])
        for phase in PHASES
        if (route, phase) in failed or _has(table, route, phase)
    ]
    doubts = _doubts(rows, facts)
    for row in rows:
        row["doubt"] = doubts.get(row["route"])
    profiles = list(limit_profiles().values())
    if limits.name not in limit_profiles():
        profiles.append(limits)
    judged = {} if facts["any_status"] else doubts
    return {
        "schema": SCHEMA,
        "run": run.id,
        "machine": run.machine,
        "command": run.manifest.get("command", ""),
        "limits": {"name": limits.name, "cpu_ms": limits.cpu_ms},
        **{k: facts[k] for k in ("project", "bindings", "unavailable", "requests")},
        "rows": rows,
        "totals": _totals(table, weights),
        "functions": facts["functions"],
        "flame": facts["flame"],
        "profile": sorted(p.name for p in (run.path / "profiles").glob("worker.*")),
        "memory": _memory(table, facts),
        "verdicts": verdicts(table, weights, profiles, judged, run.manifest["seed"]),
        "assumptions": assumptions(),
        "outside": facts["outside"],
        "errors": sorted({f"{r['route']}: {r['error']}" for r in rows if r["error"]}),
    }


def _has(table: pd.DataFrame, route: str, phase: str) -> bool:
    return bool(((table["stage"] == route) & (table["phase"] == phase)).any())


def _row(
    table: pd.DataFrame, route: str, phase: str, asked: int, error: str | None
) -> Row:
    """Estimates of one route; those of an earlier attempt do not hide its failure."""
    mine = table[(table["stage"] == route) & (table["phase"] == phase)]
    mine = mine.iloc[:0] if error else mine
    by = {str(metric): part for metric, part in mine.groupby("metric")}
    cpu, locked = (_interval(by.get(metric)) for metric in (CPU, LOCKED))
    subrequests = _median(by.get("subrequests"))
    statuses = Counter(str(int(v)) for v in by["status"]["value"]) if by else {}
    return {
        "runtime": "workerd",
        "route": route,
        "phase": phase,
        "asked": asked,
        **_ends("cpu_ms", "low", "high", cpu),
        **_ends("locked_ms", "locked_low", "locked_high", locked),
        "wall_ms": _median(by.get("wall")),
        "outside_ms": _median(by.get("outside")),
        "helpers_ms": _median(by.get("helpers")),
        "subrequests": None if subrequests is None else round(subrequests),
        "calls": {
            metric.removeprefix(CALLS): float(part["value"].sum()) / len(by[CPU])
            for metric, part in by.items()
            if metric.startswith(CALLS) and part["value"].any()
        },
        "statuses": dict(statuses),
        "n": cpu.n if cpu else 0,
        "error": error,
    }


def _doubts(rows: Sequence[Row], facts: Row) -> dict[str, str]:
    """Why a route's cost is not that of what it is for, by route."""
    found = {}
    for route in facts["weights"]:
        seen = Counter(facts["statuses"].get(route, {}))
        for row in rows:
            if row["route"] == route:
                seen.update(row["statuses"])
        codes = sorted(map(int, seen))
        if len(codes) > 1:
            found[route] = f"answered {', '.join(map(str, codes))}"
        elif codes and codes[0] >= FAILED:
            found[route] = f"answered {codes[0]} every time"
    return found


def _interval(part: pd.DataFrame | None) -> Interval | None:
    return None if part is None else over_processes(part)


def _median(part: pd.DataFrame | None) -> float | None:
    return None if part is None or part.empty else float(part["value"].median())


def _ends(name: str, low: str, high: str, found: Interval | None) -> Row:
    return {
        name: found and found.value,
        low: found and found.low,
        high: found and found.high,
    }


def _totals(table: pd.DataFrame, weights: Mapping[str, int]) -> list[Row]:
    """The mix in each phase: the mean over routes, each as often as it was asked."""
    found = []
    for phase in PHASES:
        mine = table[table["phase"] == phase]
        cpu, locked, wall = (
            _mixed(mine[mine["metric"] == metric], weights)
            for metric in (CPU, LOCKED, "wall")
        )
        if cpu is None:
            continue
        floor = mine[(mine["stage"] == FLOOR) & (mine["metric"] == CPU)]
        floored = _interval(floor)
        found.append(
            {
                "runtime": "workerd",
                "phase": phase,
                **_ends("whole_cpu_ms", "low", "high", cpu),
                **_ends("locked_ms", "locked_low", "locked_high", locked),
                "wall_ms": wall and wall.value,
                "floor_cpu_ms": floored and floored.value,
                "n": cpu.n,
            }
        )
    return found


def _mixed(table: pd.DataFrame, weights: Mapping[str, int]) -> Interval | None:
    by: dict[int, dict[str, float]] = {}
    for key, part in table[table["stage"].isin(list(weights))].groupby(
        ["process", "stage"]
    ):
        process, route = key
        costs = by.setdefault(int(str(process)), {})
        costs[str(route)] = typical(part["value"].tolist())
    if not by:
        return None
    routes = set.intersection(*(set(costs) for costs in by.values()))
    total = sum(weights[route] for route in routes)
    if not total:
        return None
    return mean_interval(
        [sum(c[r] * weights[r] for r in routes) / total for c in by.values()]
    )


def _memory(table: pd.DataFrame, facts: Row) -> Row:
    heap = table[table["stage"] == HEAP]
    flying = {
        str(row["variant"]): int(row["value"])
        for _, row in heap[heap["metric"] == "in_flight"].iterrows()
    }
    rows = [
        {
            "what": str(row["metric"]),
            "concurrent": int(row["variant"]),
            "in_flight": flying.get(str(row["variant"]), 0),
            "mb": float(row["value"]),
        }
        for _, row in heap[heap["metric"] != "in_flight"].iterrows()
    ]
    project = facts["project"]
    size = {key: project[key] for key in ("script_bytes", "gzip_bytes")}
    return {"rows": rows, **size}
