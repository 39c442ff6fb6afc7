"""A day on Workers: closed forms, conservation, what must not change a result."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import UserError
from bench.simulation import Demand, Isolates, Work, simulate
from bench.simulation.queueing import pollaczek_khinchine
from bench.verdict import bank
from bench.verdict.bank import GUESSES, Bank, banks

RNG = np.random.default_rng(2)
WORK = Work(
    warm_ms=RNG.lognormal(0.0, 0.6, 500),
    cold_ms=RNG.lognormal(1.4, 0.4, 60),
    outside_ms=RNG.exponential(20.0, 200),
    memory_mb=1.0,
    base_mb=10.0,
    start_ms=5.0,
)
IMMORTAL = Isolates(idle_s=math.inf, life_s=math.inf, backlog_ms=math.inf, most=1)
NOTHING = np.zeros(1)


def steady(rate, duration, **given_):
    return Demand(duration, np.full(1, rate), **given_)


def only(warm, cold=None, **given_):
    """Work of nothing but CPU."""
    plain = {"outside_ms": NOTHING, "memory_mb": 0.0, "base_mb": 0.0, "start_ms": 0.0}
    cold = warm if cold is None else cold
    return Work(np.asarray(warm), np.asarray(cold), **(plain | given_))


def plain(outcome):
    """Everything that follows from the arguments."""
    return (
        outcome.requests, outcome.cold, outcome.killed.tolist(), outcome.over_memory,
        outcome.latency.total, outcome.latency.counts.tolist(),
        outcome.in_flight.total, outcome.in_flight.counts.tolist(),
        {name: found.tolist() for name, found in outcome.hourly.items()},
        outcome.batches.tolist(),
    )  # fmt: skip


DAY = Demand(90_000.0, np.array([1.0, 4.0, 2.0]), cv=1.5, locations=20)


def test_the_sums_agree_with_each_other():
    found = simulate(DAY, WORK, Isolates(), banks(1.0), seed=4)
    mean = DAY.expected
    assert mean == pytest.approx(210_000)
    assert abs(found.requests - mean) < 6 * DAY.cv * math.sqrt(mean)
    assert found.latency.count == found.in_flight.count == found.requests
    assert found.batches.shape == (20, 2 + 6)
    totals = [found.requests, found.cold, *found.killed]
    assert found.batches.sum(axis=0).tolist() == totals
    hours = [found.hourly[name] for name in ("requests", "cold")]
    assert [values.shape for values in hours] == [(25,), (25,)]
    assert found.hourly["killed"].shape == (6, 25)
    rows = [*hours, *found.hourly["killed"]]
    assert [values.sum() for values in rows] == totals
    assert found.started == found.cold
    assert 0 < found.cold < found.requests
    # Rates of 1, 4 and 2 over the thirds of 25 hours.
    assert np.argmax(hours[0]) in range(8, 17)
    assert hours[0][:8].max() < hours[0][9:16].min()
    assert found.batches[0, 0] > 2 * found.batches[-1, 0]


def test_a_seed_gives_one_result_whatever_the_threads():
    one, two, three, other = (
        simulate(DAY, WORK, Isolates(), banks(1.0), seed=seed, threads=threads)
        for seed, threads in ((4, 1), (4, 2), (4, 7), (5, 2))
    )
    assert plain(one) == plain(two) == plain(three)
    assert plain(one) != plain(other)
    assert (one.threads, three.threads, other.seed) == (1, 7, 5)


@pytest.mark.parametrize(
    ("name", "services"),
    [
        ("exponential", RNG.exponential(1.0, 60_000)),
        ("constant", np.ones(1)),
        ("two kinds", np.array([0.2, 0.2, 0.2, 3.4])),
    ],
)
def test_one_isolate_is_a_queue_of_one_server(name, services):
    """M/G/1 at 60 %: 40 locations are independent runs, t interval at 1 - 10^-4."""
    from scipy import stats

    demand = steady(600.0 * 40, 50.0, locations=40, skew=0.0)
    work = only(services)
    found = [
        simulate(replace(demand, locations=1, rates=np.full(1, 600.0)), work, IMMORTAL,
                 [], seed=seed).latency.mean
        for seed in range(40)
    ]  # fmt: skip
    low, high = stats.t.interval(1 - 1e-4, 39, np.mean(found), stats.sem(found))
    mean, second = services.mean() / 1000, (services**2).mean() / 1e6
    expected = 1000 * (mean + pollaczek_khinchine(600.0, mean, second))
    assert low < expected < high
    assert high - low < 0.2 * expected
    # Little: requests in flight with the one that arrives (PASTA).
    whole = simulate(demand, work, IMMORTAL, [])
    assert whole.in_flight.mean - 1 == pytest.approx(0.6 * expected, rel=0.05)
    assert whole.latency.mean == pytest.approx(expected, rel=0.05)


def test_cold_starts_by_silence_are_as_many_as_gaps_that_are_long():
    """Poisson: a gap is longer than idle_s with probability exp(-rate idle_s)."""
    rate, idle_s = 0.01, 150.0
    isolates = Isolates(idle_s=idle_s, life_s=math.inf, most=1)
    found = simulate(steady(rate * 50, 200_000.0, locations=50, skew=0.0),
                     only([0.01]), isolates, [])  # fmt: skip
    share = math.exp(-rate * idle_s)
    count = found.requests - 50
    error = math.sqrt(count * share * (1 - share))
    assert abs(found.cold - 50 - count * share) < 4.5 * error


def test_cold_starts_by_age_are_as_many_as_lives():
    found = simulate(steady(5_000.0, 400.0, locations=1), only([0.01]),
                     Isolates(life_s=2.0, most=1), [])  # fmt: skip
    assert abs(found.cold - 200) < 4.5 * math.sqrt(200)


def test_more_isolates_start_when_work_waits_and_no_more_than_allowed():
    """8 ms of CPU every 2 ms fill four isolates."""
    demand = Demand(4.0, np.ones(1), at_s=np.arange(2000) * 0.002, locations=1)
    lasting = Isolates(idle_s=math.inf, life_s=math.inf)
    started = [
        simulate(demand, only([8.0]), replace(lasting, most=most), []).started
        for most in (1, 3, 64)
    ]
    assert started[:2] == [1, 3]
    assert 4 <= started[2] <= 6
    slow = simulate(demand, only([8.0]), replace(lasting, most=3), [])
    # A third more than they can do: what waits at the end is a quarter of it all.
    assert slow.latency.quantile(0.99).value > 1000
    fine = simulate(demand, only([8.0]), lasting, [])
    assert fine.latency.quantile(0.99).value <= 8 + 20


def test_the_start_is_waited_for_once():
    demand = Demand(9.0, np.ones(1), at_s=np.array([1.0, 1.001, 2.0]), locations=1)
    found = simulate(demand, only([2.0], [4.0], start_ms=10.0), IMMORTAL, [])
    # 10 + 4; then the rest of both and 2; then 2.
    assert found.latency.total == pytest.approx(14 + (13 + 2) + 2)
    assert found.cold == 1


@pytest.mark.parametrize("over", [0.5, 4.0, 32.0])
@pytest.mark.parametrize("credit", [0.0, 7.0, 100.0])
def test_a_constant_cost_above_the_limit_dies_again_and_again(over, credit):
    """Every isolate dies at request floor(credit / over) + 1, and begins anew."""
    at_s = np.arange(1000) * 1.0
    demand = Demand(1000.0, np.ones(1), at_s=at_s, locations=1)
    of = [Bank(10, 500, credit), Bank(10 + over, 0, 0)]
    found = simulate(demand, only([10 + over]), IMMORTAL, of)
    assert found.killed.tolist() == [1000 // (math.floor(credit / over) + 1), 0]
    assert found.cold == 1


MS = st.floats(0, 40)
SIZE = st.floats(0, 200)


@settings(max_examples=60)
@given(
    st.lists(MS, min_size=1, max_size=8),
    st.lists(MS, min_size=1, max_size=4),
    st.lists(st.tuples(st.floats(1, 30), SIZE, SIZE), min_size=1, max_size=4),
    st.integers(0, 2**40),
)
def test_it_ends_the_first_request_that_the_bank_says(warm, cold, sizes, seed):
    """One isolate against `bench.verdict.bank` on the costs that it met."""
    of = [Bank(limit, max(a, b), min(a, b)) for limit, a, b in sizes]
    at_s = np.arange(200) * 3600.0
    work = only(warm, cold)
    demand = Demand(200 * 3600.0, np.ones(1), at_s=at_s, locations=1)
    found = simulate(demand, work, IMMORTAL, of, seed=seed, threads=1)
    costs = costs_of(demand, work, seed)
    assert found.latency.total == pytest.approx(costs.sum(), abs=1e-3)
    first = bank.deaths(costs[np.newaxis], of)[:, 0] - 1
    for killed, request in zip(found.hourly["killed"], first, strict=True):
        assert not killed[:request].any()
        assert request == 200 or killed[request] == 1


def costs_of(demand, work, seed):
    """CPU of each request of one immortal isolate in ms: the first one is cold."""
    from bench.simulation import _run
    from bench.simulation._random import high, word

    draws = _run.case(demand, work, IMMORTAL, [], seed, 128.0).rules(0).draws
    words = [np.uint64(word(draws, np.uint64(n))) for n in range(demand.at_s.size)]
    costs = [work.warm_ms[high(bits, work.warm_ms.size)] for bits in words]
    costs[0] = work.cold_ms[high(words[0], work.cold_ms.size)]
    return np.array(costs)


def test_more_credit_never_ends_more_and_costs_below_the_limit_none():
    found = simulate(DAY, WORK, Isolates(), [
        Bank(1.0, 50, 0), Bank(1.0, 50, 20), Bank(1.0, 50, 50), Bank(99.0, 0, 0)
    ])  # fmt: skip
    none, some, all_, never = found.killed.tolist()
    assert none > some > all_ > 0 == never


def test_banks_change_nothing_but_what_they_end():
    with_, without = (
        simulate(DAY, WORK, Isolates(), of) for of in (banks(1.0, GUESSES), [])
    )
    assert without.killed.shape == (0,)
    assert with_.killed.sum() > 0
    assert plain(with_)[3:8] == plain(without)[3:8]
    alone = simulate(DAY, WORK, Isolates(), [banks(1.0)[2]])
    assert alone.killed[0] == with_.killed[2]


def test_memory_is_counted_from_what_is_in_flight():
    """Ten at once, each of which waits a second for what is outside."""
    at_s = np.repeat(np.arange(5) * 10.0, 10)
    demand = Demand(50.0, np.ones(1), at_s=at_s, locations=1)
    work = only([0.0], outside_ms=np.full(1, 1000.0), memory_mb=10.0, base_mb=50.0)
    for memory_mb, fits in ((150.0, 10), (149.0, 9), (60.0, 1), (59.0, 0), (9.0, 0)):
        found = simulate(demand, work, IMMORTAL, [], memory_mb=memory_mb)
        assert found.over_memory == 5 * (10 - fits)
        assert found.in_flight.counts.sum() == 50
        assert found.in_flight.mean == 5.5
    light = replace(work, memory_mb=0.0)
    assert simulate(demand, light, IMMORTAL, []).over_memory == 0


def test_what_is_outside_does_not_hold_the_thread():
    demand = Demand(9.0, np.ones(1), at_s=np.zeros(3), locations=1)
    work = only([2.0], outside_ms=np.full(1, 500.0))
    found = simulate(demand, work, IMMORTAL, [])
    assert found.latency.total == pytest.approx(502 + 504 + 506)


def test_replayed_arrivals_are_spread_by_weight():
    at_s = np.sort(np.random.default_rng(1).uniform(0, 7200, 30_000))
    demand = Demand(7200.0, np.ones(1), at_s=at_s, locations=3, skew=1.0)
    found = simulate(demand, WORK, Isolates(), banks(10.0))
    assert found.requests == 30_000 == demand.expected
    assert found.hourly["requests"].tolist() == [
        int((at_s < 3600).sum()), int((at_s >= 3600).sum()),
    ]  # fmt: skip
    shares = np.array([6, 3, 2]) / 11
    errors = np.sqrt(30_000 * shares * (1 - shares))
    assert (np.abs(found.batches[:, 0] - 30_000 * shares) < 4.5 * errors).all()


def test_no_request_is_an_answer_too():
    found = simulate(steady(0.0, 60.0), WORK, Isolates(), banks(1.0))
    assert found.requests == found.cold == found.over_memory == 0
    assert found.killed.tolist() == [0] * 6
    assert found.latency.quantile(0.5) is None


class Impatient:
    """Ctrl-C, as soon as something is said."""

    def __init__(self):
        self.said = []

    def step(self, label):
        self.said.append(label)
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_ends_it_and_leaves_no_thread():
    before = threading.active_count()
    progress = Impatient()
    endless = steady(1e6, 1e7)
    with pytest.raises(KeyboardInterrupt):
        simulate(endless, WORK, Isolates(), banks(10.0), progress=progress)
    assert len(progress.said) == 1
    assert progress.said[0].endswith("of 10,000,000,000,000 requests")
    assert threading.active_count() == before


def test_a_fault_in_a_thread_comes_out(monkeypatch):
    from bench.simulation import _run

    def broken(case, location, served):
        raise MemoryError("no room")

    monkeypatch.setattr(_run, "follow", broken)
    with pytest.raises(MemoryError, match="no room"):
        simulate(DAY, WORK, Isolates(), [])


def test_machine_code_is_kept_where_the_variable_says(tmp_path):
    code = (
        "import numpy; from bench.simulation._heap import append; "
        "append(numpy.zeros(1), 0, 0, 2.0)"
    )
    root = Path(__file__).parents[1]
    subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
        cwd=root,
        check=True,
    )
    assert list(tmp_path.rglob("*.nbc"))


def test_importing_it_loads_no_compiler():
    code = "import sys, bench.simulation; sys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("duration", lambda: steady(1.0, 0.0)),
        ("rate", lambda: steady(-1.0, 1.0)),
        ("rate", lambda: steady(math.nan, 1.0)),
        ("rate", lambda: Demand(1.0, np.array([]))),
        ("cv", lambda: steady(1.0, 1.0, cv=0.0)),
        ("locations", lambda: steady(1.0, 1.0, locations=0)),
        ("skew", lambda: steady(1.0, 1.0, skew=-0.1)),
        ("arrivals", lambda: steady(1.0, 5.0, at_s=np.array([2.0, 1.0]))),
        ("arrivals", lambda: steady(1.0, 5.0, at_s=np.array([1.0, 6.0]))),
        ("arrivals", lambda: steady(1.0, 5.0, at_s=np.array([]))),
        ("warm_ms", lambda: only([])),
        ("cold_ms", lambda: only([1.0], [math.inf])),
        ("outside_ms", lambda: only([1.0], outside_ms=np.array([-1.0]))),
        ("memory_mb", lambda: only([1.0], memory_mb=-1.0)),
        ("start_ms", lambda: only([1.0], start_ms=math.inf)),
        ("idle_s", lambda: Isolates(idle_s=0.0)),
        ("life_s", lambda: Isolates(life_s=math.nan)),
        ("backlog_ms", lambda: Isolates(backlog_ms=-1.0)),
        ("most", lambda: Isolates(most=0)),
        ("threads", lambda: simulate(DAY, WORK, Isolates(), [], threads=0)),
        ("memory_mb", lambda: simulate(DAY, WORK, Isolates(), [], memory_mb=0.0)),
    ],
)
def test_bad_input_names_its_field(field, make):
    with pytest.raises(UserError) as caught:
        make()
    assert caught.value.field == field
    assert caught.value.remedy
