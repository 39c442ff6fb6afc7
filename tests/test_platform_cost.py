"""What a month costs: published examples to the cent, and laws that any bill keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UserError
from bench.platform import cost, tables

REQUESTS = st.integers(0, 10**9)
MS = st.floats(0, 1000)
GB = st.floats(0, 8)


def test_the_worked_example_of_the_pricing_page():
    # 15 M requests of 7 ms: 5.00 for the plan, 1.50 for requests, 1.50 for CPU.
    lines = cost.workers_monthly(15_000_000, 7)
    assert {line.meter: line.usd for line in lines} == {
        "workers.plan": 5.0,
        "workers.requests": 1.5,
        "workers.cpu": 1.5,
    }
    assert cost.total(lines) == 8.0
    _, requests, cpu = lines
    assert (requests.amount, requests.billed) == (15e6, 5e6)
    assert (cpu.amount, cpu.included, cpu.billed) == (105e6, 30e6, 75e6)


def test_a_million_requests_more_at_7_ms_cost_30_and_14_cents():
    # The fee of a request equals 15 ms of its CPU.
    before = cost.workers_monthly(20_000_000, 7)
    after = cost.workers_monthly(21_000_000, 7)
    grown = [b.usd - a.usd for a, b in zip(before, after, strict=True)]
    assert grown == pytest.approx([0, 0.30, 0.14])
    fee, cpu = (tables.strict(f"workers.{name}.price") for name in ("requests", "cpu"))
    assert fee.value / fee.per == pytest.approx(15 * cpu.value / cpu.per)


def test_what_is_included_costs_the_plan_alone():
    assert cost.total(cost.workers_monthly(0, 0)) == 5.0
    assert cost.total(cost.workers_monthly(10_000_000, 3)) == 5.0


def test_a_service_is_charged_by_its_meter():
    line = cost.charge("kv.reads", 12_000_000)
    assert (line.included, line.billed, line.usd) == (10e6, 2e6, 1.0)
    # Nothing is included of a meter that has no such row.
    assert cost.charge("workers_ai.bge_base", 2_000_000).usd == pytest.approx(0.134)


def test_lambda_charges_wall_time_beyond_what_is_free():
    requests, duration = cost.lambda_monthly(3_000_000, 1000, 0.5)
    assert requests.usd == pytest.approx(0.40)  # 2 M at 0.20
    assert duration.billed == 1_100_000  # 1.5 M GB-s less 400,000
    assert duration.usd == pytest.approx(1_100_000 * 0.0000166667)
    arm = cost.lambda_monthly(3_000_000, 1000, 0.5, "arm64")
    assert arm[1].usd == pytest.approx(1_100_000 * 0.0000133334)


def test_wall_time_is_rounded_up_as_each_platform_does():
    assert cost.lambda_monthly(1_000_000, 0.2, 1)[1].amount == 1000
    assert cost.cloud_run_monthly(1_000_000, 101, 1)[1].amount == 200_000
    assert cost.cloud_run_monthly(1_000_000, 100, 1)[1].amount == 100_000


def test_cloud_run_charges_requests_that_share_an_instance_once():
    alone = cost.cloud_run_monthly(10_000_000, 500, 0.5, vcpu=2)
    assert [line.usd for line in alone] == pytest.approx(
        [8 * 0.40, (10e6 - 180_000) * 0.000024, (2.5e6 - 360_000) * 0.0000025]
    )
    shared = cost.cloud_run_monthly(10_000_000, 500, 0.5, vcpu=2, concurrency=10)
    assert shared[0].usd == alone[0].usd
    assert shared[1].amount == pytest.approx(alone[1].amount / 10)


def test_fly_charges_machines_and_their_memory():
    idle = cost.fly_monthly(0, 0, 0.25)
    assert cost.total(idle) == pytest.approx(2.02)
    # 30 days of one request a second that takes two: two machines, 0.75 GB more each.
    busy = cost.fly_monthly(30 * 86_400, 2000, 1)
    assert [line.amount for line in busy] == [2, 1.5]
    assert cost.total(busy) == pytest.approx(2 * 2.02 + 1.5 * 5)
    assert cost.fly_monthly(30 * 86_400, 2000, 1, concurrency=2)[0].amount == 1


@given(REQUESTS, MS, GB)
def test_more_never_costs_less(requests, ms, gb):
    for bill, sizes in (
        (cost.workers_monthly, ()),
        (cost.cloud_run_monthly, (gb,)),
        (cost.fly_monthly, (gb,)),
    ):
        known = cost.total(bill(requests, ms, *sizes))
        assert known >= 0
        assert cost.total(bill(2 * requests + 1, ms, *sizes)) >= known
        assert cost.total(bill(requests, 2 * ms + 1, *sizes)) >= known


def test_beyond_the_known_price_of_lambda_there_is_none():
    cost.lambda_monthly(6_000_000, 1_000_000, 1)
    with pytest.raises(UserError, match="next tier"):
        cost.lambda_monthly(6_000_001, 1_000_000, 1)


@pytest.mark.parametrize(
    ("bill", "amounts", "field"),
    [
        (cost.workers_monthly, (-1, 7), "requests"),
        (cost.workers_monthly, (1, float("nan")), "cpu_ms"),
        (cost.lambda_monthly, (1, float("inf"), 1), "wall_ms"),
        (cost.lambda_monthly, (1, 1, 1, "mips"), "architecture"),
        (cost.cloud_run_monthly, (1, 1, -1), "memory_gib"),
        (cost.fly_monthly, (1, 1, -1), "memory_gb"),
    ],
)
def test_an_impossible_amount_is_refused(bill, amounts, field):
    with pytest.raises(UserError) as caught:
        bill(*amounts)
    assert caught.value.field == field


@pytest.mark.parametrize("bill", [cost.cloud_run_monthly, cost.fly_monthly])
def test_less_than_one_request_at_a_time_is_refused(bill):
    with pytest.raises(UserError, match="concurrency"):
        bill(1, 1, 1, concurrency=0.5)


def test_a_meter_without_a_price_is_refused():
    with pytest.raises(UserError, match=r"kv\.thoughts\.price"):
        cost.charge("kv.thoughts", 1)
