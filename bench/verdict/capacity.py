"""A capacity plan: what breaks first, at which rate, what it costs, and how sure.

Nothing is measured here. The CPU of requests comes from the raw samples of a run, the
traffic from a trace or a rate, limits and prices from `bench.platform`, and how
isolates live from named assumptions; a simulation brings them together. Equal inputs
and an equal seed give an equal document, but for how long it took.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench import transfer
from bench.platform import LimitProfile, limit_profiles
from bench.verdict import (
    _capacity_break_even,
    _capacity_cost,
    _capacity_external,
    _capacity_first,
    _capacity_rows,
    _capacity_runs,
    _capacity_said,
    _capacity_search,
    _capacity_tornado,
    _capacity_used,
    _capacity_why,
    limits,
)
from bench.verdict._capacity_assumed import Assumed
from bench.verdict._capacity_cost import MONTH_S
from bench.verdict._capacity_runs import Case
from bench.verdict._capacity_search import Search
from bench.verdict._capacity_traffic import Traffic

if TYPE_CHECKING:
    from bench.measure.stages import Reporter
    from bench.store import Run

SCHEMA = 1
CHECKED = 20_000
"""Requests of the case that is simulated in SimPy too."""
_THREADS = 2
_SET_UP_S = 25.0
_NS = 60.0  # of a request in the simulation, about, for the time that is left
Row = dict[str, Any]


def seconds(traffic: Traffic) -> float:
    """About how long a plan takes, for the progress display."""
    return _SET_UP_S + traffic.requests * _NS / 1e9


def document(
    run: Run,
    traffic: Traffic,
    profiles: Sequence[LimitProfile] = (),
    *,
    workload: str | None = None,
    assumed: Assumed | None = None,
    seed: int = 1,
    check: bool = False,
    progress: Reporter | None = None,
) -> Row:
    """The plan for ``traffic``, with the requests of one workload of ``run``.

        traffic      what is expected: name, rate, requests, duration_s, and its shape
        first        {profile, limit, rate, low, high, unit, times, sentence}
        rows         {profile, metric, value, low, high, unit, n}; a percentile has
                     ``needs``, the requests without which it has no value
        limits       {profile, limit, state, uses, unit, rate_at, low, high, times, why,
                     source, evidence}; ``state`` is at, any rate, never or unknown
        hours        {hour, requests, cold, killed by profile}, 24 of them
        curve        {profile, rate, killed_share, low, high, cost_usd}
        cost         {platform, meter, amount, included, billed, usd, low, high}
        external     {engine, level, within_ms, machines, utilisation, low, high, n}
        break_even   {option, rate, native_usd, option_usd}
        sensitivity  {what, low_value, high_value, answer, answer_low, answer_high,
                     unit}
        twins        the traffic beside the same rate as Poisson; ``why`` in words
        simulation   {requests, seconds, peak_mib, threads, seed, check}
        assumptions  all that was guessed
        totals       process groups that the CPU was measured in, by phase

    Ends of a share are over banks, transfer factors and the sample. ``profiles`` are
    all where none are named. Raises UserError where the run has no samples of the
    workload.
    """
    step = _steps(progress)
    profiles = list(profiles) or list(limit_profiles().values())
    assumed = assumed or Assumed()
    found = transfer.of_run(run.path)
    factors = transfer.factors(found)
    factor = factors[len(factors) // 2]
    used = _capacity_used.read(run, workload)
    threads = min(_THREADS, os.cpu_count() or 1)
    case = Case(used, traffic, assumed, profiles, factor, seed, threads)
    step(f"simulating {traffic.requests:,} requests")
    main = _capacity_runs.whole(case, progress=progress)
    runs = {factor: main}
    for other in factors:
        step("the same on slower and faster machines")
        if other != factor:
            runs[other] = _capacity_runs.expected(case.but(factor=other))
    search = Search(case, factors)
    curve = _curve(search, profiles, step)
    bounds = []
    for place, profile in enumerate(profiles):
        step(f"at which rate the limits of {profile.name} bind")
        ground = limits.Ground(profile, place, used, traffic, assumed, search)
        bounds.append(limits.all_bounds(ground))
    firsts = [
        _capacity_first.row(profile.name, each, traffic)
        for profile, each in zip(profiles, bounds, strict=True)
    ]
    strictest = min(range(len(profiles)), key=lambda at: profiles[at].cpu_ms)
    base = (
        main if traffic.requests <= _capacity_runs.WHOLE else _capacity_runs.small(case)
    )
    sensitivity = _capacity_tornado.rows(case, factors, strictest, base, step)
    step("beside the same rate as Poisson")
    twins = _capacity_why.compare(case, main, strictest)
    one = _capacity_tornado.request(case, main.cold)
    step("machines outside")
    external = _capacity_external.rows(traffic, used, assumed, seed)
    step("where another place is cheaper")
    gateways = [
        None if engine.gateway is None else engine.gateway.mean().value * factor
        for engine in used.engines
    ]
    break_even = _capacity_break_even.rows(
        used, one, gateways, assumed, traffic.rate, seed
    )
    outcome = main.parts[0]
    return {
        "schema": SCHEMA,
        "run": run.id,
        "machine": run.machine,
        "command": run.manifest["command"],
        "workload": used.workload,
        "traffic": _capacity_said.traffic(traffic),
        "profiles": [profile.name for profile in profiles],
        "first": firsts,
        "rows": _capacity_rows.metrics(profiles, runs, factor, base, firsts),
        "limits": _limits(profiles, bounds, traffic),
        "hours": _capacity_rows.hours(outcome, traffic, profiles),
        "curve": curve,
        "cost": _cost(case, factors, main.cold),
        "external": external,
        "break_even": break_even,
        "sensitivity": sensitivity,
        "twins": twins.rows,
        "simulation": {
            "requests": outcome.requests,
            "seconds": outcome.seconds,
            "peak_mib": outcome.peak_mib,
            "threads": outcome.threads,
            "seed": seed,
            "check": _check(case, step) if check else None,
        },
        "assumptions": _capacity_said.assumptions(case, found, factors),
        "totals": _capacity_said.totals(used),
        "why": [*twins.why, *_capacity_said.gaps(case, one)],
        "evidence": list(used.costs.evidence),
    }


def _steps(progress: Reporter | None) -> Callable[[str], None]:
    return (lambda _: None) if progress is None else progress.step


def _curve(
    search: Search, profiles: Sequence[LimitProfile], step: Callable[[str], None]
) -> list[Row]:
    for rate in _capacity_search.RATES:
        step(f"at {rate:,g} requests a second")
        search.at(rate, search.factor)
    step("the curve of rates")
    return _capacity_rows.curve(search, profiles)


def _limits(
    profiles: Sequence[LimitProfile],
    bounds: Sequence[Sequence[limits.Bound]],
    traffic: Traffic,
) -> list[Row]:
    return [
        {"profile": profile.name}
        | asdict(bound)
        | {
            "times": None if bound.first_at is None else bound.first_at / traffic.rate,
            "evidence": list(bound.evidence),
        }
        for profile, each in zip(profiles, bounds, strict=True)
        for bound in each
    ]


def _cost(case: Case, factors: Sequence[float], cold: float) -> list[Row]:
    low, high = (
        _capacity_tornado.request(case.but(factor=factor), cold)
        for factor in (min(factors), max(factors))
    )
    return _capacity_cost.rows(
        case.traffic.rate * MONTH_S,
        _capacity_tornado.request(case, cold),
        case.assumed,
        (low, high),
    )


def _check(case: Case, step: Callable[[str], None]) -> Row:
    from bench.simulation import check

    step("the same small case in SimPy")
    found = check.against_simpy(
        case.work, case.isolates, case.banks, requests=CHECKED, seed=case.seed
    )
    return asdict(found)
