"""The document of ``bench stages``, derived from a run's samples and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.measure.estimate import (
    Observation,
    journey,
    observations,
    stage_rows,
    total,
)
from bench.measure.samples import ALONE, STOP, Row

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
    }
    table = run.samples()
    table = table[table["phase"] != ""]  # what else a run may hold has no phase
    for (runtime, phase), part in table.groupby(["runtime", "phase"], sort=False):
        place = {
            "runtime": str(runtime),
            "phase": str(phase),
            "workers": runtimes.load(str(runtime)).WORKERS,
        }
        _add(result, place, part, invocations)
    result["rows"] += [_failed(error) for error in run.errors() if error["cell"]]
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
    in_path = samples[samples["variant"] != ALONE]
    alone = samples[samples["variant"] == ALONE]
    parts: list[list[Observation]] = []
    stopped = {"stopped_by": _stopped_by(samples)} if not in_path.empty else {}
    for invocation in invocations:
        mine = in_path[in_path["invocation"] == invocation]
        if mine.empty:
            continue
        seen = observations(mine)
        parts.append(seen)
        here = place | {"invocation": invocation}
        order = _stage_order(invocation, seen)
        requests = _requests(mine)
        for row in stage_rows(seen, order, alone[alone["invocation"] == invocation]):
            result["rows"].append(here | row | {"requests": requests})
        result["invocations"].append(here | _judged(total(seen)) | stopped)
    if len(parts) == len(invocations):
        startup = samples.loc[samples["stage"] == "startup", "value"]
        result["totals"].append(
            place
            | _judged(total(journey(parts)))
            | stopped
            | {"startup_cpu_ms": float(startup.median())}
        )


def _stage_order(invocation: str, seen: Sequence[Observation]) -> list[str]:
    """Stages in path order; what an early answer left out is not shown."""
    from bench.path import stages

    measured = {name for observation in seen for name in observation.stages}
    known = [name for name in stages(invocation) if name in measured]
    return known + sorted(measured - set(known))


def _stopped_by(samples: DataFrame) -> str:
    """``precision`` where the wanted width was reached, else ``time``."""
    stop = samples[samples["stage"] == STOP].set_index("metric")["value"]
    return "precision" if stop["width"] <= stop["target"] else "time"


def _requests(samples: DataFrame) -> int:
    metered = samples[samples["variant"] == "metered"]
    return int(metered[["process", "seq"]].drop_duplicates().shape[0])


def _judged(whole: dict[str, Any]) -> dict[str, Any]:
    """Add what the checks on the numbers say, and why."""
    control, doubts = whole["control"], []
    if _off(control["ratio"] - 1, control["low"] - 1, control["high"] - 1):
        doubts.append(f"the A/A control is off by {control['ratio'] - 1:+.1%}")
    if _off(whole["closure"], whole["closure_low"], whole["closure_high"]):
        doubts.append(f"stages and floor miss the whole by {whole['closure']:+.1%}")
    delay = (whole["run_delay_ms"] or 0.0) / whole["whole_cpu_ms"]
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
