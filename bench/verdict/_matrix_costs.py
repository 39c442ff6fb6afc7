"""What one request of a workload costs, read from the raw samples of a run.

The cost is the time under the isolate lock, which is what Workers charges, where it is
known for every phase that was measured, and else the CPU of the thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.measure.statistics import Interval, mean_interval
from bench.verdict.bank import Array
from bench.verdict.evidence import ident

if TYPE_CHECKING:
    import pandas as pd

INVOCATION, RUNTIME, CONTROL = "workload", "workerd", "control"
LOCKED, CPU = "locked", "cpu"
PHASES = ("warm", "cold")
_BODIES = ("bytes_in", "bytes_out")


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU in ms of single requests of one workload on one route with one fixture.

    ``warm`` and ``cold`` have an array for each process; one of them may be empty.
    ``payload`` is the mean of bytes that a request takes in and gives out, ``counts``
    the most of what else was counted of one request (subrequests).
    """

    workload: str
    route: str
    fixture: str
    metric: str
    warm: Mapping[int, Array]
    cold: Mapping[int, Array]
    payload: float | None
    counts: Mapping[str, float]
    evidence: tuple[str, ...]

    @property
    def usual(self) -> Mapping[int, Array]:
        """Requests that an isolate mostly sees: the warm ones where there are any."""
        return self.warm or self.cold

    @property
    def first(self) -> Mapping[int, Array]:
        """First requests of an isolate: the cold ones where there are any."""
        return self.cold or self.warm

    def mean(self) -> Interval:
        """CPU in ms of a usual request with its 95 % interval over processes.

        A mean of all requests and not of typical ones: a bank adds up every overrun.
        """
        return mean_interval([float(each.mean()) for each in self.usual.values()])


def read(samples: pd.DataFrame, workload: str) -> list[Costs]:
    """Costs of each route and fixture of a workload, in the order of the samples.

    Numbers that are not finite or negative do not count; routes without any are absent.
    """
    import pandas as pd

    mine = samples[
        (samples["invocation"] == INVOCATION)
        & (samples["runtime"] == RUNTIME)
        & (samples["stage"] == workload)
        & (samples["variant"] != CONTROL)
        & samples["phase"].isin(PHASES)
    ].copy()
    mine["value"] = pd.to_numeric(mine["value"], errors="coerce")
    mine = mine[(mine["value"] >= 0) & (mine["value"] < float("inf"))]
    found = []
    for (route, fixture), part in mine.groupby(["variant", "fixture"], sort=False):
        costs = _costs(part, workload, str(route), str(fixture))
        if costs is not None:
            found.append(costs)
    return found


def _costs(part: pd.DataFrame, workload: str, route: str, fixture: str) -> Costs | None:
    charged = part[part["metric"].isin((LOCKED, CPU))]
    if charged.empty:
        return None
    locked = charged[charged["metric"] == LOCKED]
    whole = set(locked["phase"]) == set(charged["phase"])
    metric = LOCKED if whole else CPU
    used = charged[charged["metric"] == metric]
    by_phase = {phase: _groups(used[used["phase"] == phase]) for phase in PHASES}
    place = {"runtime": RUNTIME, "invocation": INVOCATION, "stage": workload}
    place |= {"variant": route, "fixture": fixture}
    counted = part[~part["metric"].isin((LOCKED, CPU, *_BODIES))]
    most = counted.groupby("metric")["value"].max()
    return Costs(
        workload=workload,
        route=route,
        fixture=fixture,
        metric=metric,
        warm=by_phase["warm"],
        cold=by_phase["cold"],
        payload=_payload(part),
        counts={str(name): float(value) for name, value in most.items()},
        evidence=tuple(
            ident(place | {"phase": phase}) for phase in PHASES if by_phase[phase]
        ),
    )


def _groups(rows: pd.DataFrame) -> dict[int, Array]:
    return {
        int(str(process)): np.asarray(group["value"], dtype=np.float64)
        for process, group in rows.groupby("process", sort=True)
    }


def _payload(part: pd.DataFrame) -> float | None:
    bodies = part[part["metric"].isin(_BODIES)]
    if bodies.empty:
        return None
    return float(bodies.groupby("metric")["value"].mean().sum())


def main(found: Sequence[Costs], route: str, module: Any) -> Costs | None:
    """The costs that a row is judged by: those of the workload's own ``FIXTURE``, else
    of its dearest one; None where the route was not measured."""
    mine = [costs for costs in found if costs.route == route]
    own = [c for c in mine if c.fixture == getattr(module, "FIXTURE", None)]
    return max(own or mine, key=lambda costs: costs.mean().value, default=None)
