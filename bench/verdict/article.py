"""The article's CPU table, row by row beside what was measured.

Source: "The CPU Budget in Practice" in kalviumlabs.ai/blog, "Production AI on
Cloudflare Workers", read 2026-11-23: CPU of one RAG request, each value from memory and
without an interval. Its rows are sums of stages of our chat request. Ours is compute,
in a Worker the time under the isolate lock, because that is what a limit counts.

An interval of a sum is taken over the sums of the process groups: stages of one group
are not independent, so their own intervals cannot be added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pandas import DataFrame

    from bench.measure.estimate import Observation

Row = dict[str, Any]

SOURCE = (
    "kalviumlabs.ai, Production AI on Cloudflare Workers, The CPU Budget in Practice"
)
INVOCATION = "chat"
TOTAL = "total"


class Operation(NamedTuple):
    """One row of the article's table and the stages that do the same here."""

    name: str
    ms: float
    stages: tuple[str, ...]


OPERATIONS = (
    Operation("request parsing and auth", 0.8, ("auth", "parse_request")),
    Operation("input validation", 0.3, ("validate",)),
    Operation("embedding response parsing", 1.2, ("embed",)),
    Operation(
        "context assembly from Vectorize", 0.9, ("retrieve", "rerank", "assemble")
    ),
    Operation("D1 result processing", 0.6, ("load_conversation",)),
    Operation("streaming set-up", 0.2, ("complete",)),
)
TOTAL_MS = 4.0
_COVERED = tuple(stage for operation in OPERATIONS for stage in operation.stages)


def rows(samples: DataFrame) -> list[Row]:
    """The table for every runtime and phase in ``samples``, the samples of a run.

    Each row has operation, stages, article_ms, runtime, phase, cpu_ms, low, high, n:
    the article's rows, their total, then the stages that the article leaves out, whose
    ``article_ms`` is None. A row that lacks a stage has no number.
    """
    chat = _usable(samples)
    found: list[Row] = []
    for (runtime, phase), part in chat.groupby(["runtime", "phase"], sort=False):
        place = {"runtime": str(runtime), "phase": str(phase)}
        found += [place | row for row in _rows(_whole_groups(part))]
    return found


def _usable(samples: DataFrame) -> DataFrame:
    """Finite numbers of chat requests that went through the path."""
    import pandas as pd

    from bench.measure.samples import ALONE, PROFILED, WARMING

    columns = ["runtime", "phase", "invocation", "stage", "variant", "metric"]
    numbers = ["process", "seq", "value"]
    chat = samples.reindex(columns=[*columns, *numbers])
    chat = chat[(chat["invocation"] == INVOCATION) & (chat["stage"] != WARMING)]
    chat = chat[~chat["variant"].isin([ALONE, PROFILED])].copy()
    for name in numbers:
        chat[name] = pd.to_numeric(chat[name], errors="coerce")
    return chat[chat["value"].abs() < float("inf")].dropna()


def _whole_groups(samples: DataFrame) -> list[Observation]:
    """Observations of the groups that have all that an observation is made of; an
    interrupted run may hold others."""
    from bench.measure.estimate import observations
    from bench.measure.samples import CONTROL, FLOOR, METERED, WHOLE

    cpu, wall = samples["metric"] == "cpu", samples["metric"] == "wall"
    plain = (samples["stage"] == WHOLE) & (samples["variant"] == "plain")
    kinds = (
        samples["variant"] == METERED,
        (samples["variant"] == CONTROL) & cpu,
        (samples["stage"] == FLOOR) & cpu,
        plain & cpu,
        plain & wall,
    )
    groups = set.intersection(*(set(samples.loc[kind, "process"]) for kind in kinds))
    return observations(samples[samples["process"].isin(groups)])


def _rows(seen: Sequence[Observation]) -> list[Row]:
    measured = {name for one in seen for name in one.stages}
    if not measured:
        return []
    found = [
        _row(seen, measured, operation.name, operation.stages, operation.ms)
        for operation in OPERATIONS
    ]
    found.append(_row(seen, measured, TOTAL, _COVERED, TOTAL_MS))
    return found + [
        _row(seen, measured, name, (name,), None) for name in _left_out(measured)
    ]


def _left_out(measured: set[str]) -> list[str]:
    """Measured stages that no row of the article covers, in path order."""
    from bench.path import stages

    rest = measured - set(_COVERED)
    known = [name for name in stages(INVOCATION) if name in rest]
    return known + sorted(rest - set(known))


def _row(
    seen: Sequence[Observation],
    measured: set[str],
    name: str,
    stages: Sequence[str],
    article: float | None,
) -> Row:
    from bench.measure.statistics import mean_interval

    row: Row = {"operation": name, "stages": list(stages), "article_ms": article}
    if not measured.issuperset(stages):
        return row | dict.fromkeys(("cpu_ms", "low", "high")) | {"n": 0}
    cost = mean_interval(
        [sum(_compute(one, stage) for stage in stages) for one in seen]
    )
    return row | {
        "cpu_ms": cost.value,
        "low": cost.low,
        "high": cost.high,
        "n": cost.n,
    }


def _compute(one: Observation, stage: str) -> float:
    """CPU in ms of a stage without its calls, as one group saw it."""
    return one.stages.get(stage, 0.0) - one.io.get(stage, 0.0)


def pivoted(found: Sequence[Row]) -> list[Row]:
    """A row for each operation: operation, stages, article_ms, and ``by``, the row of
    each (runtime, phase)."""
    table: dict[str, Row] = {}
    for row in found:
        keys = ("operation", "stages", "article_ms")
        line = table.setdefault(
            str(row["operation"]), {key: row[key] for key in keys} | {"by": {}}
        )
        line["by"][row["runtime"], row["phase"]] = row
    return list(table.values())
