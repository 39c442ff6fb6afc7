"""Bursty or not, and what that does: the same requests a second, once as they come and
once as Poisson, through the same simulation.

Nothing is said from the shape alone. An answer is named only where the intervals of the
two do not overlap.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from bench.measure.statistics import Interval
from bench.verdict import _capacity_external
from bench.verdict._capacity_break_even import LEVEL
from bench.verdict._capacity_external import replayed
from bench.verdict._capacity_runs import MIDDLE, Case, Seen, whole
from bench.verdict._capacity_tornado import merged
from bench.verdict.answer import percent
from bench.verdict.bank import GUESSES

Row = dict[str, Any]
_SAID = {
    "killed_share": "requests ended",
    "cold_share": "cold requests",
    "latency_p99": "the slowest hundredth",
    "machines": "machines outside",
}


class Twins(NamedTuple):
    """``rows`` compare the traffic with its Poisson twin, ``why`` says it in words."""

    rows: list[Row]
    why: list[str]


def compare(case: Case, base: Seen, strictest: int) -> Twins:
    """The traffic of ``case``, which gave ``base``, beside the same rate as Poisson.

    Nothing where the traffic is Poisson by construction. Raises nothing of its own.
    """
    traffic = case.traffic
    if traffic.trace is None or traffic.shape is None:
        return Twins([], [])
    twin = whole(case, traffic.twin(case.assumed))
    column = strictest * len(GUESSES) + MIDDLE
    rows = [
        _row("killed_share", "share", base.killed_by(column), twin.killed_by(column)),
        _row("cold_share", "share", base.cold_share(), twin.cold_share()),
        *_latency(base, twin),
        *_machines(case),
    ]
    return Twins(rows, [_shape(case), *_sentences(rows)])


def _latency(base: Seen, twin: Seen) -> list[Row]:
    found = [merged(seen).quantile(0.99) for seen in (base, twin)]
    if None in found:
        return []
    one, other = (
        Interval(each.value, each.low, each.high, seen.requests)
        for each, seen in zip(found, (base, twin), strict=True)
        if each is not None
    )
    return [_row("latency_p99", "ms", one, other)]


def _machines(case: Case) -> list[Row]:
    """Machines for each engine, with the least and the most that may be enough."""
    trace = case.traffic.trace
    if trace is None:
        return []
    rng = np.random.default_rng(case.seed)
    n = len(trace.at_s)
    # As many arrivals in as much time, each at any moment: Poisson, given their number.
    even = np.sort(rng.uniform(0.0, case.traffic.duration_s, n))
    rows = []
    for engine in _capacity_external.subjects(case.used):
        within = case.assumed.stretch * float(engine.service_ms.mean())
        if float(np.mean(engine.service_ms <= within)) <= LEVEL:
            continue
        found = [
            replayed(at_s, engine.service_ms, within, LEVEL, case.seed)
            for at_s in (trace.at_s, even)
        ]
        one, other = (
            None if each is None else Interval(each.number, each.low, each.number, n)
            for each in found
        )
        if one is not None and other is not None:
            rows.append(_row("machines", "machines", one, other) | {"of": engine.name})
    return rows


def _row(answer: str, unit: str, traffic: Interval, poisson: Interval) -> Row:
    return {
        "answer": answer,
        "of": "",
        "unit": unit,
        "traffic": traffic.value,
        "low": traffic.low,
        "high": traffic.high,
        "poisson": poisson.value,
        "poisson_low": poisson.low,
        "poisson_high": poisson.high,
        "differs": traffic.low > poisson.high or traffic.high < poisson.low,
        "n": traffic.n,
    }


def _shape(case: Case) -> str:
    shape = case.traffic.shape
    if shape is None:
        return ""
    said = (
        "no test refutes that it is Poisson"
        if shape.kind == "poisson"
        else "a test refutes that it is Poisson"
    )
    windows = ", ".join(
        f"{value:,.3g} (in {window:g} s)" for window, value in shape.dispersion.items()
    )
    return (
        f"{case.traffic.name} is {shape.kind} ({said}): gaps have a coefficient of "
        f"variation of {shape.cv:.3g}, where Poisson has 1; the variance of counts is "
        f"{windows} times Poisson's; its busiest spell has {case.traffic.peak:.3g} "
        "times the mean rate."
    )


def _sentences(rows: list[Row]) -> list[str]:
    differing = [row for row in rows if row["differs"]]
    alike = [row for row in rows if not row["differs"]]
    found = []
    if differing:
        found.append(
            "Against as many requests that come as Poisson, it changes "
            + "; ".join(map(_pair, differing))
            + "."
        )
    if alike:
        found.append(
            "No difference beyond the intervals: " + "; ".join(map(_pair, alike)) + "."
        )
    if any(row["answer"] == "machines" for row in differing) and any(
        row["answer"] == "killed_share" for row in alike
    ):
        found.append(
            "Machines outside take the bursts of all of the traffic in one queue; on "
            "Workers each location sees its own part of them, in as many isolates as "
            "it takes, and the bank of an isolate counts requests and not their gaps."
        )
    return found


def _pair(row: Row) -> str:
    of = f" ({row['of']})" if row["of"] else ""
    values = (
        (percent(row["traffic"]), percent(row["poisson"]))
        if row["unit"] == "share"
        else tuple(_amount(row, key) for key in ("traffic", "poisson"))
    )
    return f"{_SAID[row['answer']]}{of}: {values[0]} instead of {values[1]}"


def _amount(row: Row, key: str) -> str:
    unit = "" if row["unit"] == "machines" else f" {row['unit']}"
    value = row[key]
    return f"{value:,.0f}{unit}" if value >= 100 else f"{value:.3g}{unit}"
