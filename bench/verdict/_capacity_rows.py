"""The numbers of a plan as rows: shares, percentiles, hours, and the curve of rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.measure.statistics import Interval
from bench.platform import LimitProfile
from bench.platform.tables import find
from bench.simulation import Outcome, needed
from bench.verdict import _capacity_cost
from bench.verdict._capacity_cost import MONTH_S
from bench.verdict._capacity_runs import MIDDLE, Case, Seen
from bench.verdict._capacity_search import RATES, Search, envelope
from bench.verdict._capacity_tornado import merged, request
from bench.verdict._capacity_traffic import Traffic
from bench.verdict.bank import GUESSES
from bench.verdict.limits import DAY_S

ALL = "all"
QUANTILES = (0.5, 0.9, 0.99, 0.999)
HOURS = 24
Row = dict[str, Any]


def metrics(
    profiles: Sequence[LimitProfile],
    runs: Mapping[float, Seen],
    factor: float,
    base: Seen,
    firsts: Sequence[Row],
) -> list[Row]:
    """``rows`` of the document. ``runs`` are by transfer factor; those of ``factor``
    give the values, all of them the ends. ``base`` is the run at ``factor`` that the
    others are like, small where they are. What no profile changes is of ``all``.
    """
    main = runs[factor]
    found = []
    for place, profile in enumerate(profiles):
        share = envelope(dict(runs), factor, place)
        found.append(_row(profile.name, "killed_share", share, "share"))
        one = firsts[place]
        found.append(
            {
                "profile": profile.name,
                "metric": "headroom",
                "value": one["times"],
                "low": _times(one, "low"),
                "high": _times(one, "high"),
                "unit": "times the expected rate",
                "n": 0,
            }
        )
    cold = _relative(main.cold_share(), [seen.cold for seen in runs.values()], base)
    memory = _over([seen.over_share() for seen in runs.values()], main.over_share())
    found += [
        _row(ALL, "cold_share", cold, "share"),
        _row(ALL, "memory_share", memory, "share"),
        *_latencies(runs, factor),
        *_isolates(main),
    ]
    return found


def _row(profile: str, metric: str, found: Interval, unit: str) -> Row:
    return {
        "profile": profile,
        "metric": metric,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "unit": unit,
        "n": found.n,
    }


def _times(first: Row, end: str) -> float | None:
    if not first["times"] or first[end] is None or not first["rate"]:
        return None
    return float(first[end] / first["rate"] * first["times"])


def _over(every: Sequence[Interval], middle: Interval) -> Interval:
    """The middle one with the ends of all."""
    low, high = min(one.low for one in every), max(one.high for one in every)
    return Interval(middle.value, low, high, middle.n)


def _relative(middle: Interval, others: Sequence[float], base: Seen) -> Interval:
    """The interval of cold requests, widened by how other factors compare with ``base``
    and not by what they have: a small run begins with empty isolates, and has more."""
    if not base.cold:
        return middle
    moved = [middle.value * other / base.cold for other in others]
    low, high = min(middle.low, *moved), max(middle.high, *moved)
    return Interval(middle.value, low, high, middle.n)


def _latencies(runs: Mapping[float, Seen], factor: float) -> list[Row]:
    """Percentiles of the whole request; without a value where too few were seen."""
    found = []
    for q in QUANTILES:
        middle = merged(runs[factor]).quantile(q)
        every = [merged(seen).quantile(q) for seen in runs.values()]
        known = [one for one in every if one is not None]
        there = middle is not None
        found.append(
            {
                "profile": ALL,
                "metric": f"latency_p{q * 100:g}",
                "value": middle.value if middle else None,
                "low": min(one.low for one in known) if there else None,
                "high": max(one.high for one in known) if there else None,
                "unit": "ms",
                "n": runs[factor].requests,
                "needs": needed(q),
            }
        )
    return found


def _isolates(main: Seen) -> list[Row]:
    started = sum(part.started for part in main.parts)
    flights = main.parts[0].in_flight.quantile(0.99)
    rows = [
        _row(ALL, "isolates", Interval(started, started, started, main.requests), "1")
    ]
    rows[0] |= {"low": None, "high": None}
    if flights is not None:
        known = Interval(flights.value, flights.low, flights.high, main.requests)
        rows.append(_row(ALL, "in_flight_p99", known, "requests"))
    return rows


def hours(
    main: Outcome, traffic: Traffic, profiles: Sequence[LimitProfile]
) -> list[Row]:
    """``hours`` of the document: requests by hour of the day, UTC where the trace tells
    it and else since the start; days are added up.

    ``killed`` is by profile, of the usual bank.
    """
    start = traffic.trace.start if traffic.trace else None
    first = start.hour if start else 0
    counted = main.hourly["requests"]
    place = (np.arange(len(counted)) + first) % HOURS
    rows = []
    for hour in range(HOURS):
        mine = place == hour
        rows.append(
            {
                "hour": hour,
                "utc": start is not None,
                "requests": int(counted[mine].sum()),
                "cold": int(main.hourly["cold"][mine].sum()),
                "killed": {
                    profile.name: int(
                        main.hourly["killed"][at * len(GUESSES) + MIDDLE][mine].sum()
                    )
                    for at, profile in enumerate(profiles)
                },
            }
        )
    return rows


def curve(search: Search, profiles: Sequence[LimitProfile]) -> list[Row]:
    """``curve`` of the document: share ended and dollars a month at growing rates."""
    case = search.case
    rows = []
    for rate in sorted({*RATES, case.traffic.rate}):
        seen = search.at(rate, search.factor)
        for place, profile in enumerate(profiles):
            share = search.killed(rate, place)
            rows.append(
                {
                    "profile": profile.name,
                    "rate": rate,
                    "killed_share": share.value,
                    "low": share.low,
                    "high": share.high,
                    "cold_share": seen.cold,
                    "cost_usd": _cost(case, profile, rate, seen.cold),
                    "n": seen.requests,
                }
            )
    return rows


def _cost(case: Case, profile: LimitProfile, rate: float, cold: float) -> float | None:
    """Dollars a month; nothing on the free plan, and none beyond what it allows."""
    if profile.name == "free":
        return 0.0 if rate * DAY_S <= find("free.requests_day").value else None
    one = request(case, cold)
    return _capacity_cost.native(rate * MONTH_S, one, case.assumed)
