"""The parts of a capacity plan by themselves: what goes in, and arithmetic on it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from capacity_support import CALLS, METERS, WORKLOAD, bursts, even, made, trace_of
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import UserError
from bench.measure.statistics import proportion_interval
from bench.platform import cost, limit_profile, tables
from bench.verdict import _capacity_break_even as even_point
from bench.verdict import _capacity_cost as bills
from bench.verdict import _capacity_external as outside
from bench.verdict import _capacity_runs as runs
from bench.verdict import _capacity_traffic as traffic
from bench.verdict import _capacity_used as used
from bench.verdict._capacity_assumed import RANGES, Assumed, from_text

GUESSED = Assumed()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return made(tmp_path_factory.mktemp("capacity") / "run")


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    return made(tmp_path_factory.mktemp("capacity") / "bare", extras=False)


def case(run, expected, **changes):
    profiles = [limit_profile("free")]
    one = runs.Case(used.read(run, None), expected, GUESSED, profiles, 1.0, 1)
    return one.but(**changes)


# What a request uses.


def test_a_run_says_what_a_request_uses(run):
    found = used.read(run, None)
    assert found.workload == WORKLOAD
    assert found.meters == pytest.approx(METERS)
    assert found.calls == pytest.approx(CALLS)
    assert (found.models, found.others) == (1.0, 6.0)
    assert found.heap.each_mb == pytest.approx(0.11)
    assert found.heap.base_mb == pytest.approx(2.0)
    [engine] = found.engines
    assert engine.what.endswith("2000x1536"), "the largest size"
    assert 3.5 < engine.service_ms.mean() < 4.5


def test_a_run_without_meters_says_that_it_does_not_know(bare):
    found = used.read(bare, None)
    assert (found.meters, found.calls, found.heap, found.engines) == (
        None, None, None, (),
    )  # fmt: skip
    assert (found.models, found.others) == (1.0, 4.0), "of five subrequests"
    base, each = runs.memory(found, GUESSED)
    assert base == GUESSED.base_mb
    assert each == pytest.approx(900 * GUESSED.body_copies / 1e6)


def test_a_workload_that_the_run_lacks_is_named_with_those_it_has(run):
    with pytest.raises(UserError, match=f"name one of {WORKLOAD}"):
        used.read(run, "webhook")
    with pytest.raises(UserError, match="is not a workload"):
        used.read(run, "nosuch")


# What is assumed.


def test_every_assumption_is_in_the_result_and_can_be_replaced():
    rows = GUESSED.as_row()
    assert all(row["meaning"] and row["value"] >= 0 for row in rows.values())
    assert set(RANGES) <= set(rows)
    for name, row in rows.items():
        other = 0.25 if name == "busy" else row["value"] + 1
        changed = GUESSED.replaced({name: other}).as_row()
        assert changed[name]["value"] == other
        assert sum(changed[key] != rows[key] for key in rows) == 1


@pytest.mark.parametrize(
    "given", [{"nosuch": 1.0}, {"idle_s": 0}, {"locations": 0.5}, {"busy": 1.5},
              {"skew": -1}, {"idle_s": float("nan")}, {"idle_s": True}],
)  # fmt: skip
def test_an_assumption_that_cannot_be_is_refused(given):
    with pytest.raises(UserError) as caught:
        GUESSED.replaced(given)
    assert caught.value.field == "assume"
    assert caught.value.remedy


def test_assumptions_are_read_from_text():
    assert from_text(("idle_s=120", "skew=0")) == {"idle_s": 120.0, "skew": 0.0}
    for text in ("idle_s", "idle_s=", "idle_s=soon", "=3x"):
        with pytest.raises(UserError, match="not an assumption"):
            from_text((text,))


# Traffic.


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("24h", 86_400), ("90m", 5400), ("30s", 30), ("7d", 604_800), ("0.5h", 1800)],
)
def test_durations(text, seconds):
    assert traffic.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "0s", "1y", "32d", "1e3s"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(UserError, match="duration"):
        traffic.seconds(text)


def test_columns():
    assert traffic.columns_of(None) is None
    assert traffic.columns_of("time=ts, context=in") == {"time": "ts", "context": "in"}
    for text in ("", "time", "time=", "time=ts,"):
        with pytest.raises(UserError, match="columns"):
            traffic.columns_of(text)


@pytest.mark.parametrize(
    "given", [(0, 60, 1), (-1, 60, 1), (float("nan"), 60, 1), (1e7, 60, 1),
              (1, 60, 0), (1, 1, 1)],
)  # fmt: skip
def test_a_rate_that_cannot_be_is_refused(given):
    with pytest.raises(UserError):
        traffic.of_rate(*given)


@settings(max_examples=30)
@given(st.integers(1, 500), st.floats(0, 2), st.floats(0.01, 1e5))
def test_a_small_run_has_locations_from_the_busiest_to_the_quietest(many, skew, rate):
    given = dataclasses.replace(GUESSED, locations=many, skew=skew)
    weights = traffic.strata(given)
    every = np.arange(1, many + 1) ** -skew
    every /= every.sum()
    assert list(weights) == sorted(weights, reverse=True)
    assert every.min() - 1e-12 <= weights.min()
    assert weights.max() <= every.max() + 1e-12
    for demand, weight in zip(
        traffic.of_rate(10, 60).small(rate, given, 1), weights, strict=True
    ):
        assert demand.rates[0] == pytest.approx(rate * weight)
        requests = demand.rates[0] * demand.duration_s
        assert requests <= traffic.REQUESTS / traffic.STRATA * 1.001


def test_a_trace_is_replayed_in_hours_of_the_clock(tmp_path):
    path = trace_of(tmp_path / "trace.csv", even())
    expected = traffic.of_trace(
        path, format=None, columns=None, volume=1.0, speed=1.0, seed=1
    )
    assert expected.requests == 1500
    demand = expected.whole(GUESSED)
    begins = 30 * 60 + even()[0]  # the trace begins at 6:30 and a little
    assert demand.at_s[0] == pytest.approx(begins, abs=0.001)
    assert demand.at_s[-1] <= demand.duration_s


# A request outside.


def test_waits_come_from_the_tokens_of_the_trace(run, tmp_path):
    path = trace_of(tmp_path / "trace.csv", even(), tokens=40)
    expected = traffic.of_trace(
        path, format=None, columns=None, volume=1.0, speed=1.0, seed=1
    )
    calls = GUESSED.first_token_ms + 6 * GUESSED.call_ms
    told = runs.outside_ms(used.read(run, None), expected, GUESSED)
    assert set(told) == {calls + 40 * GUESSED.token_ms}
    assumed = runs.outside_ms(used.read(run, None), traffic.of_rate(1, 60), GUESSED)
    assert list(assumed) == [calls + GUESSED.tokens * GUESSED.token_ms]


# Shares and their intervals.


def test_the_interval_over_locations_holds_what_depends_on_each_other():
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(300):
        rates = rng.choice([0.0, 0.4], size=200, p=[0.9, 0.1])  # whole locations
        batches = np.column_stack([np.full(200, 100), rng.binomial(100, rates)])
        found = runs.over_locations(batches, 1)
        held += found.low <= 0.04 <= found.high
    assert held >= 270  # 95 % of 300, less four standard deviations
    binomial = runs.exact(0.04, 20_000)
    assert binomial.high - binomial.low < (found.high - found.low) / 2


@pytest.mark.parametrize(("hits", "n"), [(0, 9), (1, 9), (9, 9), (37, 4000)])
def test_the_exact_interval_is_that_of_clopper_and_pearson(hits, n):
    found, known = runs.exact(hits / n, n), proportion_interval(hits, n)
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-9)


def test_none_seen_is_not_none_there():
    found = runs.exact(0.0, 1000)
    assert (found.value, found.low) == (0.0, 0.0)
    assert 0.003 < found.high < 0.004  # the rule of three, exactly
    assert runs.over_locations(np.array([[10, 0]]), 1).high == 1.0


# Money.

NO_METERS = bills.Request(7.0, 1000.0, {}, {})


def test_the_worked_example_of_the_pricing_page_through_the_plan_s_own_rows():
    rows = bills.rows(15_000_000, NO_METERS, GUESSED, (NO_METERS, NO_METERS))
    mine = [row for row in rows if row["platform"] == bills.WORKERS]
    assert {row["meter"]: row["usd"] for row in mine} == {
        "workers.plan": 5.0, "workers.requests": 1.5, "workers.cpu": 1.5, "total": 8.0,
    }  # fmt: skip
    assert bills.native(15_000_000, NO_METERS, GUESSED) == 8.0


def test_every_total_is_the_sum_of_its_meters(run):
    one = bills.request(used.read(run, None), 3.0, 500.0, GUESSED)
    rows = bills.rows(40_000_000, one, GUESSED, (one, one))
    for platform in (bills.WORKERS, bills.SERVICES, *bills.ELSEWHERE):
        mine = [row for row in rows if row["platform"] == platform]
        *meters, total = mine
        assert total["meter"] == bills.TOTAL
        assert total["usd"] == pytest.approx(sum(row["usd"] for row in meters))
        assert total["low"] == total["high"] == total["usd"]


def test_services_are_billed_by_what_a_request_uses(run):
    one = bills.request(used.read(run, None), 3.0, 500.0, GUESSED)
    lines = {line.meter: line for line in bills.services(10_000_000, one, GUESSED)}
    assert lines["kv.reads"].amount == 20_000_000
    assert lines["kv.reads"].usd == 5.0  # 10 M beyond what is included
    operations = 10_000_000 * 0.25 * GUESSED.queue_operations
    assert lines["queues.operations"].amount == operations
    dims = 2_000_000 * 1536  # the article's bound of this row
    assert lines["vectorize.stored"].amount == dims
    assert lines["vectorize.queried"].amount == dims + 10_000_000 * 1536


def test_waiting_is_free_on_workers_and_dear_elsewhere():
    waits = dataclasses.replace(NO_METERS, outside_ms=5000.0)
    for platform in (bills.WORKERS, *bills.ELSEWHERE):
        before, after = (
            bills.total(platform, 50e6, one, GUESSED) for one in (NO_METERS, waits)
        )
        assert after >= before
        if platform != "cloud_run":  # where more than fit must wait for an instance
            assert (after > before) is (platform == "lambda"), platform


def test_beyond_a_known_price_there_is_no_number():
    waits = dataclasses.replace(NO_METERS, outside_ms=5000.0)
    assert bills.total("lambda", 1e11, waits, GUESSED) is None
    rows = bills.rows(1e11, waits, GUESSED, (waits, waits))
    [total] = [r for r in rows if (r["platform"], r["meter"]) == ("lambda", "total")]
    assert total["usd"] is None
    assert "beyond" in total["note"]


@settings(max_examples=40)
@given(st.floats(0.1, 500), st.floats(0, 60_000), st.floats(0, 1e9))
def test_requests_share_an_instance_only_as_far_as_its_cpu_goes(cpu, waits, requests):
    one = bills.Request(cpu, waits, {}, {})
    many = bills.together(requests, one, GUESSED)
    assert 1 <= many <= GUESSED.together
    assert many == 1 or many * cpu <= GUESSED.busy * one.wall_ms * (1 + 1e-9)


# Machines outside.


def test_machines_grow_with_bursts_and_reach_the_level():
    service = np.full(50, 40.0)
    calm = outside.replayed(even(), service, 120.0, 0.95, 1)
    wild = outside.replayed(bursts(), service, 120.0, 0.95, 1)
    assert wild.low > calm.number
    for found in (calm, wild):
        assert found.reached.low >= 0.95
        assert found.low <= found.number
        assert 0 < found.utilisation < 1


def test_one_machine_less_is_not_enough():
    service = np.full(50, 40.0)
    found = outside.replayed(bursts(), service, 120.0, 0.95, 1)
    rng_same = outside.replayed(bursts(), service, 120.0, 0.95, 1)
    assert found == rng_same
    from bench.simulation import queueing

    at_s = bursts()
    service_s = np.full(len(at_s), 0.04)
    took = queueing.waits(at_s, service_s, found.number - 1) + service_s
    assert outside._level(took <= 0.12).low < 0.95


def test_an_engine_that_is_too_slow_by_itself_has_no_machines(run):
    slow = np.array([10.0, 10.0, 10.0, 400.0])
    expected = traffic.of_rate(5.0, 600.0)
    assert outside.needed(expected, slow, 60.0, 0.95, 1) is None


def test_where_two_bills_are_equal_they_are():
    one = bills.Request(5.0, 2000.0, {}, {})
    [row] = [
        even_point.crossing(
            "lambda",
            "the whole request",
            lambda rate: bills.total("workers", rate * bills.MONTH_S, one, GUESSED),
            lambda rate: bills.total("lambda", rate * bills.MONTH_S, one, GUESSED),
            1.0,
        )
    ]
    assert row["rate"] is not None
    mine, theirs = (
        bills.total(name, row["rate"] * bills.MONTH_S, one, GUESSED)
        for name in ("workers", "lambda")
    )
    assert theirs == pytest.approx(mine, rel=0.02)
    assert row["cheaper_below"] == "lambda", "its first requests are free"
    assert row["native_usd"] == cost.total(cost.workers_monthly(bills.MONTH_S, 5.0))


def test_the_machine_has_a_price():
    assert tables.strict(f"{even_point.MACHINE}.price").value > 0
