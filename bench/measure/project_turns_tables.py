"""What two versions of a Worker cost, derived from a run's samples and facts alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from bench.measure.checkouts import BASELINE, CANDIDATE
from bench.measure.compare import CONFIDENCE, CONTROL
from bench.measure.contest import Block, read
from bench.measure.contest_tables import ends
from bench.measure.project_turns import FACTS, INVOCATION
from bench.measure.statistics import Interval, log_ratio, mean_interval, ratio_interval
from bench.project.verdicts import MIX
from bench.verdict.compare import FASTER, INCONCLUSIVE, SAME, SLOWER, VERDICTS

if TYPE_CHECKING:
    from bench.store import Run

SCHEMA = 1
Row = dict[str, Any]
Costs = dict[str, list[float]]
"""Us of each group, by variant."""


def document(run: Run) -> Row:
    """``rows``, all requests first and then a route each:

        asked                   how often, in the file of requests
        old_ms, new_ms          what a request is charged, mean over its route
        ratio, low, high        of new to old
        control, control_low, control_high    of old to old, which should be 1
        verdict, why            one of `bench.verdict.compare.VERDICTS`
        answers                 same, or other bytes, or None where not compared
        n                       process groups

    All intervals of a kind hold together at 97 % (Bonferroni over the rows). A route
    that is not compared is inconclusive, and says why.
    """
    facts = orjson.loads((run.path / FACTS).read_bytes())
    blocks = {
        route: found
        for (route, _), found in read(
            run.samples(), INVOCATION, facts["metric"]
        ).items()
    }
    weights: Mapping[str, int] = facts["weights"]
    confidence = 1 - (1 - CONFIDENCE) / (len(blocks) + (len(blocks) > 1))
    rows = []
    for route in sorted(weights, key=lambda r: -weights[r]):
        row = {"route": route, "asked": weights[route]}
        if route not in blocks:
            why = facts["refused"].get(route, "was not measured")
            rows.append(row | _blank(why))
            continue
        answers = "other bytes" if route in facts["differing"] else "same"
        found = _row(_logs(blocks[route], confidence), _costs(blocks[route]), facts)
        doubt = _doubt(facts["statuses"], route)
        if doubt:
            found |= {"verdict": INCONCLUSIVE, "why": doubt}
        rows.append(row | found | {"answers": answers})
    if len(weights) > 1:
        rows.insert(0, _mixed(blocks, weights, confidence, facts))
    counts = Counter(row["verdict"] for row in rows)
    return {
        "schema": SCHEMA,
        "run": run.id,
        "machine": run.machine,
        "command": run.manifest.get("command", ""),
        "rules": {"within": facts["within"], "confidence": confidence},
        "metric": facts["metric"],
        **{key: facts[key] for key in ("versions", "requests")},
        "rows": rows,
        "counts": {verdict: counts[verdict] for verdict in VERDICTS},
        "errors": [],
    }


Ratios = dict[str, Interval | None]


def _logs(found: Block, confidence: float) -> Ratios:
    return {
        name: found.ratio(name, BASELINE, confidence) for name in (CANDIDATE, CONTROL)
    }


def _costs(found: Block) -> Costs:
    return {name: found.costs(name) for name in (BASELINE, CANDIDATE, CONTROL)}


def _row(ratios: Ratios, costs: Costs, facts: Row) -> Row:
    verdict, why = _verdict(ratios, facts["within"])
    old, new = (mean_interval(costs[name]) for name in (BASELINE, CANDIDATE))
    return {
        "old_ms": old.value / 1000,
        "new_ms": new.value / 1000,
        **ends("ratio", "low", "high", ratios[CANDIDATE]),
        **ends("control", "control_low", "control_high", ratios[CONTROL]),
        "verdict": verdict,
        "why": why,
        "n": new.n,
    }


def _blank(why: str) -> Row:
    numbers = ("old_ms", "new_ms", "ratio", "low", "high")
    control = ("control", "control_low", "control_high", "answers")
    blank: Row = dict.fromkeys((*numbers, *control))
    return blank | {"verdict": INCONCLUSIVE, "why": why, "n": 0}


def _verdict(ratios: Ratios, within: float) -> tuple[str, str]:
    found, control = ratios[CANDIDATE], ratios[CONTROL]
    if found is None or control is None or found.n < 2:
        return INCONCLUSIVE, "one process group says nothing about the next"
    if control.excludes(1.0):
        return INCONCLUSIVE, "the old version against itself differs from 1"
    band = math.log1p(within)
    if -band <= math.log(found.low) and math.log(found.high) <= band:
        return SAME, ""
    if found.excludes(1.0):
        return (SLOWER if found.value > 1 else FASTER), ""
    return INCONCLUSIVE, "too few groups, or groups that differ too much"


def _doubt(statuses: Mapping[str, Mapping[str, Mapping[str, int]]], route: str) -> str:
    """Why a ratio is of two different things, though the first answers were alike."""
    old, new = (sorted(statuses[name][route]) for name in (BASELINE, CANDIDATE))
    if old == new:
        return ""
    return f"answered {', '.join(new)}, and {', '.join(old)} before"


def _mixed(
    blocks: Mapping[str, Block],
    weights: Mapping[str, int],
    confidence: float,
    facts: Row,
) -> Row:
    """All routes that were compared, each as often as it was asked."""
    routes = [route for route in weights if route in blocks]
    total = sum(weights[route] for route in routes)
    many = min(len(blocks[route].turns[BASELINE]) for route in routes)
    groups = range(many)
    old = {route: blocks[route].costs(BASELINE) for route in routes}

    def costs(name: str) -> list[float]:
        """Us of the mix of each group: what the old version cost times the ratio of
        turns that ran beside each other."""
        return [
            sum(
                weights[r] / total * old[r][group] * _paired(blocks[r], name, group)
                for r in routes
            )
            for group in groups
        ]

    by = {name: costs(name) for name in (BASELINE, CANDIDATE, CONTROL)}
    ratios: Ratios = {
        name: ratio_interval(
            [math.log(a / b) for a, b in zip(by[name], by[BASELINE], strict=True)],
            confidence,
        )
        for name in (CANDIDATE, CONTROL)
    }
    without = [route for route in weights if route not in blocks]
    row = {"route": MIX, "asked": total} | _row(ratios, by, facts)
    if without:
        said = f"without {', '.join(without)}"
        row["why"] = f"{row['why']}; {said}" if row["why"] else said
    return row | {"answers": None}


def _paired(found: Block, name: str, group: int) -> float:
    """Ratio of ``name`` to the old version in one group."""
    return math.exp(log_ratio(found.turns[name][group], found.turns[BASELINE][group]))
