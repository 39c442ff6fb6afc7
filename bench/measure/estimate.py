"""From samples to estimates: one of each process group, then intervals over groups.

Inside a group the cost of a typical request is the mean over the central 80 % of its
requests. The mean is additive, so that the stages of a request, its floor and its
whole can be held against each other: closure = (stages + floor) / whole - 1, where
whole comes from processes that run the path without a meter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log
from statistics import fmean
from typing import TYPE_CHECKING, Any

from bench.measure.samples import (
    ALONE,
    CONTROL,
    FLOOR,
    METERED,
    NOTHING,
    PROFILED,
    UPTO,
    UPTO_LOCKED,
    WHOLE,
)
from bench.measure.statistics import (
    Interval,
    central,
    mean_interval,
    ratio_interval,
    typical,
)

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, slots=True)
class Observation:
    """One invocation as one group of processes saw it, in ms.

    ``helpers`` is CPU of threads beside the main one, ``locked`` time under the isolate
    lock, ``locked_floor`` that of a request with no stage; None where a runtime has no
    such thing.
    """

    whole: float
    control: float
    wall: float
    run_delay: float | None
    floor: float
    stages: dict[str, float]
    io: dict[str, float]
    helpers: float | None = None
    locked: float | None = None
    locked_floor: float | None = None

    @property
    def explained(self) -> float:
        """Stages and floor together."""
        return sum(self.stages.values()) + self.floor


def observations(samples: DataFrame) -> list[Observation]:
    """One observation a group, from the samples of one runtime, phase, invocation."""
    return [_observe(group) for _, group in samples.groupby("process", sort=True)]


def _observe(group: DataFrame) -> Observation:
    plain = group[(group["stage"] == WHOLE) & (group["variant"] == "plain")]
    requests = plain.pivot_table(index="seq", columns="metric", values="value")
    usual = requests.iloc[central(requests["cpu"].tolist())].mean()
    metered = group[group["variant"] == METERED]
    ended, locked = _ended(metered, UPTO), _ended(metered, UPTO_LOCKED)
    stages, io = _differences(ended, locked) if ended else _spans(metered)
    control = group[(group["variant"] == CONTROL) & (group["metric"] == "cpu")]
    floor = group[(group["stage"] == FLOOR) & (group["metric"] == "cpu")]
    return Observation(
        whole=float(usual["cpu"]),
        control=typical(control["value"].tolist()),
        wall=float(usual["wall"]),
        run_delay=float(usual["run_delay"]) if "run_delay" in usual else None,
        floor=typical(floor["value"].tolist()),
        stages=stages,
        io=io,
        helpers=float(usual["helpers"]) if "helpers" in usual else None,
        locked=list(locked.values())[-1] if locked else None,
        locked_floor=locked[NOTHING] if locked else None,
    )


def _spans(metered: DataFrame) -> tuple[dict[str, float], dict[str, float]]:
    """CPU and I/O of each stage where a meter inside the request told them apart."""
    spans = {
        metric: metered[metered["metric"] == metric].pivot_table(
            index="seq", columns="stage", values="value", fill_value=0.0
        )
        for metric in ("cpu", "io")
    }
    chosen = central(spans["cpu"].sum(axis=1).tolist())
    stages, io = (spans[metric].iloc[chosen].mean() for metric in ("cpu", "io"))
    return (
        {str(name): float(ms) for name, ms in stages.items()},
        {str(name): float(ms) for name, ms in io.items()},
    )


def _ended(metered: DataFrame, metric: str) -> dict[str, float]:
    """Typical cost of a request ended after each stage, in path order."""
    rows = metered[metered["metric"] == metric]
    return {
        str(stage): typical(part["value"].tolist())
        for stage, part in rows.groupby("stage", sort=False)
    }


def _differences(
    ended: dict[str, float], locked: dict[str, float]
) -> tuple[dict[str, float], dict[str, float]]:
    """What one stage more costs, and what of that is outside the lock; without a trace
    nothing is known to be outside."""
    cpu = {b: ended[b] - ended[a] for a, b in pairwise(ended)}
    inside = {b: locked[b] - locked[a] for a, b in pairwise(locked)}
    return cpu, {name: ms - inside.get(name, ms) for name, ms in cpu.items()}


def total(seen: Sequence[Observation]) -> dict[str, Any]:
    """Whole, floor, closure and control of one invocation over its groups.

    Times in ms with 95 % intervals over groups; the control is the ratio of a second
    process of the same code to the first. ``net`` is the whole less the floor.
    """
    whole = mean_interval([o.whole for o in seen])
    net = mean_interval([o.whole - o.floor for o in seen])
    closure = ratio_interval([log(o.explained / o.whole) for o in seen])
    control = ratio_interval([log(o.control / o.whole) for o in seen])
    return {
        "whole_cpu_ms": whole.value,
        "low": whole.low,
        "high": whole.high,
        "net_cpu_ms": net.value,
        "net_low": net.low,
        "net_high": net.high,
        **_under_lock([o.locked for o in seen]),
        "locked_floor_ms": _mean([o.locked_floor for o in seen]),
        "floor_cpu_ms": fmean(o.floor for o in seen),
        "closure": fmean(o.explained for o in seen) / whole.value - 1,
        "closure_low": closure.low - 1,
        "closure_high": closure.high - 1,
        "n": whole.n,
        "run_delay_ms": _mean([o.run_delay for o in seen]),
        "helpers_ms": _mean([o.helpers for o in seen]),
        "wall_ms": fmean(o.wall for o in seen),
        "control": {
            "ratio": control.value,
            "low": control.low,
            "high": control.high,
        },
    }


def _under_lock(values: Sequence[float | None]) -> dict[str, float | None]:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return dict.fromkeys(("locked_ms", "locked_low", "locked_high"))
    found = mean_interval(known)
    return {
        "locked_ms": found.value,
        "locked_low": found.low,
        "locked_high": found.high,
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def journey(parts: Sequence[Sequence[Observation]]) -> list[Observation]:
    """The invocations of one user journey added up, group by group."""
    return [_sum(together) for together in zip(*parts, strict=True)]


def _sum(parts: Sequence[Observation]) -> Observation:
    return Observation(
        whole=sum(part.whole for part in parts),
        control=sum(part.control for part in parts),
        wall=sum(part.wall for part in parts),
        run_delay=_total([part.run_delay for part in parts]),
        floor=sum(part.floor for part in parts),
        stages={
            f"{i}/{name}": value
            for i, part in enumerate(parts)
            for name, value in part.stages.items()
        },
        io={},
        helpers=_total([part.helpers for part in parts]),
        locked=_total([part.locked for part in parts]),
        locked_floor=_total([part.locked_floor for part in parts]),
    )


def _total(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def stage_rows(
    seen: Sequence[Observation], order: Sequence[str], apart: DataFrame
) -> list[dict[str, Any]]:
    """One row a stage: CPU in the path with its interval over groups, its compute and
    I/O parts, what the stage costs by itself, and what a profile says of it.

    ``apart`` has the samples of stages by themselves and of profiles; it may be empty.
    """
    rows = []
    for name in order:
        cpu = mean_interval([o.stages.get(name, 0.0) for o in seen])
        parts = [o.stages.get(name, 0.0) - o.io.get(name, 0.0) for o in seen]
        compute = mean_interval(parts)
        rows.append(
            {
                "stage": name,
                "cpu_ms": cpu.value,
                "low": cpu.low,
                "high": cpu.high,
                "n": cpu.n,
                "compute_ms": compute.value,
                "compute_low": compute.low,
                "compute_high": compute.high,
                "io_ms": cpu.value - compute.value,
                **_alone(apart[apart["stage"] == name]),
                "error": None,
            }
        )
    return rows


def _alone(samples: DataFrame) -> dict[str, float | None]:
    profiled = samples.loc[samples["variant"] == PROFILED, "value"]
    found = {
        "alone_ms": None,
        "alone_low": None,
        "alone_high": None,
        "profile_ms": None if profiled.empty else float(profiled.mean()),
    }
    cost = over_processes(samples[samples["variant"] == ALONE])
    if cost is None:
        return found
    return found | {
        "alone_ms": cost.value,
        "alone_low": cost.low,
        "alone_high": cost.high,
    }


def widest(samples: DataFrame, by: Sequence[str]) -> float:
    """The widest relative interval of what is charged, among the groups of ``by``;
    infinite where one of them has none."""
    width = 0.0
    for _, part in samples.groupby(list(by)):
        locked = part[part["metric"] == "locked"]
        found = over_processes(
            part[part["metric"] == "cpu"] if locked.empty else locked
        )
        width = max(width, found.width if found else math.inf)
    return width


def over_processes(samples: DataFrame) -> Interval | None:
    """Mean with its interval, one typical value of each process; None without any."""
    if samples.empty:
        return None
    return mean_interval(
        [typical(part["value"].tolist()) for _, part in samples.groupby("process")]
    )
