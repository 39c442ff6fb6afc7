"""The document of ``bench workloads``, derived from a run's samples and errors alone.

Samples of other instruments in the same form, such as those of the external engines,
are rows of it too: what a Worker pays when it calls one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.measure.estimate import over_processes
from bench.measure.stages import PHASES
from bench.measure.statistics import Interval, mean_interval, typical
from bench.measure.workloads import INVOCATION
from bench.verdict.switch import fit
from bench.workloads import Workload, load, routes, size_of
from bench.workloads._scene import CALLS, METER

if TYPE_CHECKING:
    import pandas as pd

    from bench.platform import LimitProfile
    from bench.store import Run

SCHEMA = 1
Row = dict[str, Any]
_COUNTS = ("subrequests", "bytes_in", "bytes_out")
_CASE = ["stage", "variant", "phase", "fixture"]


def document(run: Run, names: Sequence[str], limits: LimitProfile) -> Row:
    """``rows`` of every workload, route, phase and size; ``laws`` where sizes allow.

    Times in ms with 95 % intervals over ``n`` process groups: ``cpu_ms`` of the main
    thread, ``locked_ms`` under the isolate lock, which is what Workers charges;
    ``wall_ms`` and ``outside_ms`` are medians on loopback. ``calls`` by service and
    ``meters`` by id are medians too, None of a run that did not count them. Numbers are
    None where there is an ``error``.
    """
    table = run.samples()
    table = table[table["invocation"] == INVOCATION]
    known = load()
    errors = [error for error in run.errors() if "case" in error["key"]]
    errors = [error for error in errors if "workload" in error["key"]]
    rows = []
    for name in names:
        mine = table[table["stage"] == name]
        failed = [error for error in errors if error["key"]["workload"] == name]
        rows += _rows(name, known[name], mine, failed)
    said = {f"{row['workload']}: {row['error']}" for row in rows if row["error"]}
    return {
        "schema": SCHEMA,
        "run": run.id,
        "machine": run.machine,
        "command": run.manifest.get("command", ""),
        "limits": {"name": limits.name, "cpu_ms": limits.cpu_ms},
        "rows": rows,
        "laws": _laws(table, names, limits.cpu_ms),
        "errors": sorted(said),
    }


def _rows(
    name: str, workload: Workload, table: pd.DataFrame, errors: Sequence[Row]
) -> list[Row]:
    """Rows of one workload: by route, phase and size."""
    place = {"workload": name, "title": workload.TITLE, "article": workload.ARTICLE}
    keys = {
        (str(route), str(phase), str(fixture)): part
        for (_, route, phase, fixture), part in table.groupby(_CASE, sort=False)
    }
    failed = {}
    for error in errors:
        _, route, fixture = error["key"]["case"].split("/", 2)
        failed[route, error["key"]["phase"], fixture] = error["message"]
    order = routes(workload)

    def rank(key: tuple[str, str, str]) -> tuple[int, int, int]:
        route, phase, fixture = key
        size = size_of(fixture)
        known = order.index(route) if route in order else len(order)
        return known, PHASES.index(phase), size[0] if size else 0

    found = []
    for key in sorted({**keys, **failed}, key=rank):
        route, phase, fixture = key
        here = place | {"route": route, "phase": phase, "fixture": fixture}
        found.append(here | _numbers(keys.get(key), failed.get(key)))
    return found


def _numbers(table: pd.DataFrame | None, error: str | None) -> Row:
    """Estimates of one case; those of an earlier attempt do not hide its failure."""
    given = None if error else table
    by = {
        metric: None if given is None else given[given["metric"] == metric]
        for metric in ("cpu", "locked", "wall", "outside", *_COUNTS)
    }
    cpu, locked = _interval(by["cpu"]), _interval(by["locked"])
    counts = {metric: _median(by[metric]) for metric in _COUNTS}
    return {
        "cpu_ms": cpu and cpu.value,
        "low": cpu and cpu.low,
        "high": cpu and cpu.high,
        "locked_ms": locked and locked.value,
        "locked_low": locked and locked.low,
        "locked_high": locked and locked.high,
        "wall_ms": _median(by["wall"]),
        "outside_ms": _median(by["outside"]),
        **{
            name: None if each is None else round(each) for name, each in counts.items()
        },
        "calls": _used(given, CALLS),
        "meters": _used(given, METER),
        "n": cpu.n if cpu else 0,
        "error": error,
    }


def _interval(table: pd.DataFrame | None) -> Interval | None:
    return None if table is None else over_processes(table)


def _median(table: pd.DataFrame | None) -> float | None:
    return None if table is None or table.empty else float(table["value"].median())


def _used(table: pd.DataFrame | None, kind: str) -> dict[str, int] | None:
    """Medians of what requests used, by name; none where nothing was counted.

    A request that did not use something has no row for it.
    """
    if table is None:
        return None
    counted = table[table["metric"].str.startswith((CALLS, METER))]
    if counted.empty:
        return None
    wide = counted.pivot_table(
        values="value",
        index=["process", "seq"],
        columns="metric",
        aggfunc="sum",
        fill_value=0,
    )
    return {
        str(metric).removeprefix(kind): round(amount)
        for metric, amount in wide.median().items()
        if str(metric).startswith(kind)
    }


def _laws(table: pd.DataFrame, names: Sequence[str], limit_ms: float) -> list[Row]:
    """A fixed part and a part for each unit, where three sizes or more are known.

    ``reaches`` is the size at which the limit is reached, 0 where an empty input
    reaches it. With a negative slope in a group, which only noise gives, there is none.
    """
    found = []
    for name in names:
        mine = table[table["stage"] == name]
        for (route, phase), part in mine.groupby(["variant", "phase"], sort=True):
            metric = "locked" if (part["metric"] == "locked").any() else "cpu"
            law = _law(part[part["metric"] == metric], limit_ms)
            if law is not None:
                place = {"workload": name, "route": str(route), "phase": str(phase)}
                found.append(place | {"metric": metric} | law)
    return found


def _law(table: pd.DataFrame, limit_ms: float) -> Row | None:
    costs: dict[int, dict[int, float]] = {}
    unit = ""
    for key, part in table.groupby(["fixture", "process"]):
        fixture, process = map(str, key)
        size = size_of(fixture)
        if size is not None:
            unit = size[1]
            own = costs.setdefault(size[0], {})
            own[int(process)] = typical(part["value"].tolist())
    whole = set.intersection(*map(set, costs.values())) if costs else set()
    sizes = {size: [own[p] for p in sorted(whole)] for size, own in costs.items()}
    line = fit(sizes) if whole else None
    if line is None:
        return None
    slope, fixed = mean_interval(line.per_byte), mean_interval(line.fixed)
    pairs = list(zip(line.fixed, line.per_byte, strict=True))
    reaches = None
    if all(each > 0 for _, each in pairs):
        reaches = mean_interval([max(limit_ms - f, 0) / each for f, each in pairs])
    return {
        "unit": unit,
        "smallest": min(sizes),
        "largest": max(sizes),
        **_ends("fixed_ms", fixed),
        **_ends("per_unit_ms", slope),
        **_ends("reaches", reaches),
        "n": len(whole),
    }


def _ends(name: str, found: Interval | None) -> Row:
    return {
        name: found and found.value,
        f"{name}_low": found and found.low,
        f"{name}_high": found and found.high,
    }
