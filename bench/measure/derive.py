"""The document of ``bench stages``, derived from a run's samples and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.measure import instruments
from bench.measure.estimate import (
    Observation,
    journey,
    observations,
    over_processes,
    stage_rows,
    total,
)
from bench.measure.samples import ALONE, PROFILED, STOP, WARMING, WHOLE, Row

if TYPE_CHECKING:
    from pandas import DataFrame

    from bench.store import Run

SCHEMA = 1
# A whole is in doubt when its A/A control, or the sum of its stages, misses it by more
# than this and significantly; or when its processes had to wait for their core, which
# was not theirs alone then, for more than this share of their CPU time.
TOLERANCE = 0.05
DELAY_TOLERANCE = 0.25


def document(run: Run, invocations: Sequence[str]) -> dict[str, Any]:
    """Rows, totals and invocations of every runtime and phase that the run holds.

    Times in ms of CPU, intervals 95 %, ``n`` process groups. Cells that failed give
    one row each with ``error`` set and no numbers.
    """
    from bench import runtimes

    manifest = run.manifest
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "run": run.id,
        "machine": run.machine,
        "command": manifest.get("command", ""),
        "rows": [],
        "totals": [],
        "invocations": [],
        "warming": [],
        "instruments": [],
        "isolates": [],
    }
    everything = run.samples()
    everything = everything[everything["invocation"].isin([*invocations, ""])]
    # What does not belong to a phase is about the isolate as such.
    table = everything[everything["phase"] != ""]
    for name in everything["runtime"].unique():
        mine = everything[everything["runtime"] == name]
        result["isolates"] += instruments.isolate(str(name), mine)
    for (runtime, phase), part in table.groupby(["runtime", "phase"], sort=False):
        loaded = runtimes.load(str(runtime))
        place = {
            "runtime": str(runtime),
            "phase": str(phase),
            "workers": loaded.WORKERS,
            "alone_has_calls": loaded.ALONE_HAS_CALLS,
        }
        _add(result, place, part, invocations)
    result["rows"] += [
        _failed(error) for error in run.errors() if "measurement" in error["key"]
    ]
    return result


def width(rows: Sequence[Row], invocations: Sequence[str]) -> float:
    """Widest relative interval of a whole among ``invocations`` so far."""
    import pandas as pd

    table = pd.DataFrame(rows)
    widest = 0.0
    for invocation in invocations:
        whole = total(observations(table[table["invocation"] == invocation]))
        if not math.isfinite(whole["high"]):
            return math.inf
        widest = max(widest, (whole["high"] - whole["low"]) / whole["whole_cpu_ms"])
    return widest


def _add(
    result: dict[str, Any],
    place: Row,
    samples: DataFrame,
    invocations: Sequence[str],
) -> None:
    is_apart = samples["variant"].isin([ALONE, PROFILED])
    in_path, apart = samples[~is_apart], samples[is_apart]
    parts: list[list[Observation]] = []
    stopped = _stopped_by(samples)
    for invocation in invocations:
        mine = in_path[in_path["invocation"] == invocation]
        if mine.empty:
            continue
        seen = observations(mine[mine["stage"] != WARMING])
        parts.append(seen)
        here = place | {"invocation": invocation}
        order = _stage_order(invocation, seen)
        requests = _requests(mine)
        mine_apart = apart[apart["invocation"] == invocation]
        for row in stage_rows(seen, order, mine_apart):
            result["rows"].append(here | row | {"requests": requests})
        whole = total(seen)
        readings = instruments.readings(whole, mine_apart, samples)
        result["instruments"] += [here | reading for reading in readings]
        doubts = [r["doubt"] for r in readings if r["doubt"]]
        judged = _judged(whole, doubts) | {"profile_rest": _rest(mine_apart, order)}
        result["invocations"].append(here | judged | stopped)
        result["warming"] += [here | row for row in _warming(mine)]
    if len(parts) == len(invocations):
        result["totals"].append(
            place
            | _judged(total(journey(parts)), [])
            | stopped
            | {"startup_cpu_ms": _startup(samples)}
        )


def _rest(apart: DataFrame, order: Sequence[str]) -> dict[str, float]:
    """What of a profile belongs to no stage, in ms a request."""
    profiled = apart[apart["variant"] == PROFILED]
    rest = profiled[~profiled["stage"].isin(order)]
    names, values = rest["stage"].tolist(), rest["value"].tolist()
    return dict(zip(map(str, names), map(float, values), strict=True))


def _startup(samples: DataFrame) -> float | None:
    """Median CPU in ms before the first request, where it was measured."""
    startup = samples[samples["stage"] == "startup"]
    whole = startup.loc[startup["variant"].isin(["plain", "total"]), "value"]
    return None if whole.empty else float(whole.median())


def _warming(samples: DataFrame) -> list[Row]:
    """CPU in ms of the first request of a process, the second, and so on."""
    first = samples[
        (samples["stage"] == WHOLE)
        & (samples["metric"] == "cpu")
        & (samples["variant"] == "plain")
    ]
    later = samples[samples["stage"] == WARMING]
    if later.empty:
        return []
    rows = []
    numbers = sorted(int(number) for number in set(later["variant"]))
    for number in (1, *numbers):
        part = first if number == 1 else later[later["variant"] == str(number)]
        cost = over_processes(part)
        if cost is not None:
            rows.append(
                {
                    "request": number,
                    "cpu_ms": cost.value,
                    "low": cost.low,
                    "high": cost.high,
                    "n": cost.n,
                }
            )
    return rows


def _stage_order(invocation: str, seen: Sequence[Observation]) -> list[str]:
    """Stages in path order; what an early answer left out is not shown."""
    from bench.path import stages

    measured = {name for observation in seen for name in observation.stages}
    known = [name for name in stages(invocation) if name in measured]
    return known + sorted(measured - set(known))


def _stopped_by(samples: DataFrame) -> dict[str, str]:
    """``precision`` where the wanted width was reached, else ``time``; nothing where
    the measurement did not come to its end."""
    stop = samples[samples["stage"] == STOP].set_index("metric")["value"]
    if stop.empty:
        return {}
    reached = stop["width"] <= stop["target"]
    return {"stopped_by": "precision" if reached else "time"}


def _requests(samples: DataFrame) -> int:
    metered = samples[samples["variant"] == "metered"]
    return int(metered[["process", "seq"]].drop_duplicates().shape[0])


def _judged(whole: dict[str, Any], found: Sequence[str]) -> dict[str, Any]:
    """Add what the checks on the numbers say, and why; ``found`` are doubts already."""
    control, doubts = whole["control"], list(found)
    if _off(control["ratio"] - 1, control["low"] - 1, control["high"] - 1):
        doubts.append(f"the A/A control is off by {control['ratio'] - 1:+.1%}")
    if _off(whole["closure"], whole["closure_low"], whole["closure_high"]):
        doubts.append(f"stages and floor miss the whole by {whole['closure']:+.1%}")
    # A helper thread on the same core delays the main one: that is no other process.
    waited = (whole["run_delay_ms"] or 0.0) - (whole["helpers_ms"] or 0.0)
    delay = waited / whole["whole_cpu_ms"]
    if delay > DELAY_TOLERANCE:
        doubts.append(
            f"other processes used the measuring core (run delay {delay:.0%})"
        )
    verdict = "inconclusive" if doubts else "ok"
    return whole | {"verdict": verdict, "doubts": doubts}


def _off(value: float, low: float, high: float) -> bool:
    """Beyond the tolerance, and the interval does not hold zero."""
    return abs(value) > TOLERANCE and not low <= 0 <= high


def _failed(error: dict[str, Any]) -> dict[str, Any]:
    key = error["key"] or {}
    return {
        "runtime": key.get("runtime", ""),
        "phase": key.get("phase", ""),
        "invocation": "",
        "stage": key.get("measurement", ""),
        "cpu_ms": None,
        "low": None,
        "high": None,
        "n": 0,
        "error": f"{error['type']}: {error['message']}",
    }
