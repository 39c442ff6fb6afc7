"""Ours against a plain simulation in SimPy: equal in all, and a fault is seen."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.simulation import Demand, Isolates, Work, _events
from bench.simulation.check import against_simpy
from bench.verdict.bank import Bank, banks

RNG = np.random.default_rng(11)
WORK = Work(
    warm_ms=RNG.lognormal(1.0, 0.7, 400),
    cold_ms=RNG.lognormal(2.5, 0.4, 150),
    outside_ms=RNG.exponential(60.0, 300),
    memory_mb=4.0,
    base_mb=20.0,
    start_ms=7.3,
)
# Credit for one cold request or a few, at a limit that a warm one exceeds on average.
LIMITED = banks(3.0, ((20, 10), (50, 20), (50, 50), (99, 60), (9000, 9000), (0, 0)))
# Short lives and little patience, so that every rule is met in a small case.
SHORT = Isolates(idle_s=0.02, life_s=0.5, backlog_ms=9.7, most=6)


@pytest.mark.parametrize(
    "isolates",
    [
        SHORT,
        Isolates(),
        Isolates(backlog_ms=0.0, idle_s=0.01),
        Isolates(most=1, life_s=0.3),  # overloaded: a queue that only grows
        Isolates(idle_s=math.inf, life_s=math.inf, backlog_ms=math.inf),
    ],
    ids=["short", "default", "no backlog", "one", "immortal"],
)
def test_counts_and_latencies_are_equal(isolates):
    found = against_simpy(WORK, isolates, LIMITED, requests=4000, seed=3)
    assert found.differences == []
    assert found.equal
    assert 3000 < found.requests < 5000
    assert found.ours_s > 0
    assert found.ratio == pytest.approx(found.simpy_s / found.ours_s)


@pytest.mark.parametrize("seed", range(5))
def test_other_seeds_agree_as_well(seed):
    assert against_simpy(WORK, SHORT, LIMITED, requests=2000, seed=seed).equal


def test_replayed_arrivals_agree():
    at_s = np.cumsum(np.random.default_rng(4).gamma(0.2, 0.02, 3000))
    demand = Demand(float(at_s[-1]), np.ones(1), at_s=at_s, locations=3, skew=1.0)
    found = against_simpy(WORK, SHORT, LIMITED, demand=demand)
    assert found.differences == []
    assert found.requests == 3000


def test_the_case_meets_every_rule():
    """Otherwise equality would say little."""
    from bench.simulation import simulate
    from bench.simulation.check import _demand

    found = simulate(_demand(WORK, 4000), WORK, SHORT, LIMITED, seed=3, threads=1)
    assert found.cold > 100
    assert (found.killed > 10).any()
    assert len(set(found.killed.tolist())) > 3
    assert found.over_memory > 10
    assert found.in_flight.quantile(0.5).value > 2


def least_loaded(isolates, now, rules):
    """Another rule: the least loaded one instead of the first with little to do."""
    if not isolates:
        return 0
    best = min(range(len(isolates)), key=lambda i: isolates[i].work(now))
    room = len(isolates) < rules.most
    return len(isolates) if room and isolates[best].work(now) > 0 else best


def other_backlog(isolates, now, rules, right=_events.choose):
    return right(isolates, now, replace(rules, backlog_ms=rules.backlog_ms * 1.05))


def start_is_work(isolates, now, rules):
    """Counts the start of an isolate as CPU work."""
    for number, isolate in enumerate(isolates):
        if isolate.free(now) - now <= rules.backlog_ms:
            return number
    if len(isolates) < rules.most:
        return len(isolates)
    return min(range(len(isolates)), key=lambda i: isolates[i].free(now))


@pytest.mark.parametrize("fault", [least_loaded, other_backlog, start_is_work])
def test_another_rule_is_seen(monkeypatch, fault):
    monkeypatch.setattr(_events, "choose", fault)
    found = against_simpy(WORK, SHORT, LIMITED, requests=4000, seed=3)
    assert not found.equal
    assert any(line.startswith("location") for line in found.differences)


def test_a_bank_with_a_little_more_credit_is_seen(monkeypatch):
    right = _events.Column.kills

    def generous(column, warm, cold):
        if column.fresh:
            column.bank = Bank(
                column.bank.limit_ms, column.bank.cap_ms + 5, column.bank.credit_ms + 5
            )
        return right(column, warm, cold)

    monkeypatch.setattr(_events.Column, "kills", generous)
    found = against_simpy(WORK, SHORT, LIMITED, requests=4000, seed=3)
    assert [line.split(":")[0] for line in found.differences] == ["killed"]
