"""Which stage a workload's CPU is spent in, from requests that end after each stage.

A workload is a request of the path, or close to one; the stages are those that the same
run measured of that path's default request, so this is where such a request spends its
CPU, and not a part of the workload's own number.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.measure.samples import METERED, NOTHING, UPTO, UPTO_LOCKED
from bench.measure.statistics import typical
from bench.verdict._matrix_costs import RUNTIME
from bench.verdict.evidence import first_ident

if TYPE_CHECKING:
    import pandas as pd

# The path that a workload goes, where its module does not say INVOCATION itself.
_PATHS = {
    "documents": "ingest",
    "webhook": "webhook",
    "agent_single": "agent",
    "agent_multi": "agent",
    "multimodal": "",
}
UNKNOWN = "the whole request"


class Driver(NamedTuple):
    """The stage that takes most of an invocation, its share, and its rows."""

    stage: str
    share: float | None
    invocation: str
    evidence: str | None


def driver(samples: pd.DataFrame, workload: str, module: Any) -> Driver:
    """The dearest stage of the workload's path when warm; the whole request where this
    run has no stages of it."""
    invocation = getattr(module, "INVOCATION", _PATHS.get(workload, "chat"))
    rows = samples[
        (samples["runtime"] == RUNTIME)
        & (samples["phase"] == "warm")
        & (samples["invocation"] == invocation)
        & (samples["variant"] == METERED)
    ]
    locked = rows[rows["metric"] == UPTO_LOCKED]
    rows = rows[rows["metric"] == UPTO] if locked.empty else locked
    cost = _stages(rows)
    if not cost or sum(cost.values()) <= 0:
        return Driver(UNKNOWN, None, str(invocation), None)
    stage = max(cost, key=lambda name: cost[name])
    name = first_ident(rows[rows["stage"] == stage])
    return Driver(stage, cost[stage] / sum(cost.values()), invocation, name)


def _stages(rows: pd.DataFrame) -> dict[str, float]:
    """CPU in ms of each stage: mean over processes of what it adds to a request."""
    seen: list[dict[str, float]] = []
    for _, group in rows.groupby("process", sort=True):
        ended = {
            str(stage): typical(part["value"].tolist())
            for stage, part in group.groupby("stage", sort=False)
        }
        if next(iter(ended), None) == NOTHING:
            seen.append({b: ended[b] - ended[a] for a, b in pairwise(ended)})
    whole = [each for each in seen if each.keys() == seen[0].keys()]
    return (
        {name: fmean(each[name] for each in whole) for name in whole[0]}
        if whole
        else {}
    )
