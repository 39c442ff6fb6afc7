"""The whole plan: what it holds, that equal inputs give equal answers, and its laws."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from capacity_support import bursts, even, made, trace_of

from bench.errors import UserError
from bench.platform import limit_profile, limit_profiles
from bench.report import _capacity as shown
from bench.verdict import _capacity_traffic as traffic
from bench.verdict import _capacity_used as used
from bench.verdict import capacity, limits
from bench.verdict._capacity_assumed import Assumed
from bench.verdict._capacity_runs import Case, whole
from bench.verdict._capacity_search import RATES
from bench.verdict._capacity_tornado import ANSWERS
from bench.verdict.bank import GUESSES

# The mean is above the limit of the free plan, so that traffic kills.
WARM, COLD = 11.5, 20.0
TIMES = ("seconds", "peak_mib")


@pytest.fixture(scope="module", autouse=True)
def small():
    """Small runs are smaller still: laws hold for any number of requests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traffic, "REQUESTS", 6000)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return made(tmp_path_factory.mktemp("plan") / "run", WARM, COLD)


def read(path):
    return traffic.of_trace(
        path, format=None, columns=None, volume=1.0, speed=1.0, seed=1
    )


@pytest.fixture(scope="module")
def bursty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces")
    return read(trace_of(folder / "bursty.csv", bursts()))


@pytest.fixture(scope="module")
def plan(run, bursty):
    return capacity.document(run, bursty)


@pytest.fixture(scope="module")
def rated(run):
    profiles = [limit_profile("free"), limit_profile("paid-default")]
    expected = traffic.of_rate(20.0, 2 * 3600.0)
    return capacity.document(run, expected, profiles, check=True)


def without_times(document):
    found = copy.deepcopy(document)
    found["simulation"] = {
        key: value
        for key, value in found["simulation"].items()
        if key not in (*TIMES, "check")
    }
    return json.dumps(found, sort_keys=True)


def of(document, profile, metric):
    [row] = [
        row
        for row in document["rows"]
        if (row["profile"], row["metric"]) == (profile, metric)
    ]
    return row


def test_the_document_is_json_and_has_what_was_agreed(plan):
    json.dumps(plan)
    assert plan["schema"] == 1
    assert set(plan["profiles"]) == set(limit_profiles())
    keys = {
        "rows": {"profile", "metric", "value", "low", "high", "unit", "n"},
        "limits": {"profile", "limit", "uses", "rate_at", "low", "high", "source",
                   "evidence", "state"},
        "curve": {"profile", "rate", "killed_share", "low", "high", "cost_usd"},
        "cost": {"platform", "meter", "amount", "included", "billed", "usd"},
        "external": {"engine", "level", "within_ms", "machines", "utilisation", "low",
                     "high", "n"},
        "sensitivity": {"what", "low_value", "high_value", "answer_low", "answer_high",
                        "unit"},
        "first": {"profile", "limit", "rate", "low", "high", "unit", "sentence"},
        "break_even": {"option", "rate"},
    }  # fmt: skip
    for name, wanted in keys.items():
        assert plan[name], name
        for row in plan[name]:
            assert wanted <= set(row), name
    assert len(plan["hours"]) == 24


def test_equal_inputs_and_seed_give_an_equal_document(run, bursty, plan):
    again = capacity.document(run, bursty)
    assert without_times(again) == without_times(plan)


def test_another_seed_gives_other_draws_and_keeps_the_traffic(run, bursty, plan):
    other = capacity.document(run, bursty, [limit_profile("free")], seed=2)
    assert other["traffic"] == plan["traffic"]
    free = [row for row in plan["curve"] if row["profile"] == "free"]
    assert other["curve"] != free


def test_every_request_of_a_trace_is_in_one_hour(plan):
    assert sum(hour["requests"] for hour in plan["hours"]) == 1500
    busy = {hour["hour"] for hour in plan["hours"] if hour["requests"]}
    assert busy <= {6, 7}, "it begins at 6:30 and lasts half an hour"
    assert all(hour["utc"] for hour in plan["hours"])
    for hour in plan["hours"]:
        assert 0 <= hour["cold"] <= hour["requests"]
        assert all(0 <= k <= hour["requests"] for k in hour["killed"].values())


def test_more_credit_and_faster_machines_kill_no_more(rated):
    share = of(rated, "free", "killed_share")
    assert share["low"] <= share["value"] <= share["high"]
    assert share["value"] > 0.0, "its mean is above the limit"
    assert of(rated, "paid-default", "killed_share")["value"] == 0.0
    [factor] = [
        row
        for row in rated["sensitivity"]
        if (row["what"], row["answer"]) == ("transfer factor", "killed_share")
    ]
    assert factor["answer_low"] <= factor["base"] <= factor["answer_high"]
    [bank] = [
        row
        for row in rated["sensitivity"]
        if (row["what"], row["answer"]) == ("bank", "killed_share")
    ]
    assert bank["answer_low"] <= bank["answer_high"]


def test_a_percentile_needs_its_samples(plan, rated):
    assert of(plan, "all", "latency_p50")["value"] > 0
    tail = of(plan, "all", "latency_p99.9")
    assert (tail["value"], tail["n"], tail["needs"]) == (None, 1500, 10_000)
    many = of(rated, "all", "latency_p99.9")
    assert many["n"] > many["needs"]
    assert many["low"] <= many["value"] <= many["high"]


def test_the_curve_has_the_expected_rate_and_costs_that_grow(rated):
    rows = [row for row in rated["curve"] if row["profile"] == "paid-default"]
    assert [row["rate"] for row in rows] == sorted({*RATES, 20.0})
    costs = [row["cost_usd"] for row in rows]
    assert costs == sorted(costs)
    free = [row for row in rated["curve"] if row["profile"] == "free"]
    assert {row["cost_usd"] for row in free} == {0.0, None}


def test_what_breaks_first_is_the_lowest_of_the_limits(plan):
    for first in plan["first"]:
        mine = [
            0.0 if row["state"] == limits.ANY else row["rate_at"]
            for row in plan["limits"]
            if row["profile"] == first["profile"]
            and row["state"] in (limits.AT, limits.ANY)
        ]
        assert first["rate"] == min(mine)
        assert first["profile"] in first["sentence"]


def test_bursts_are_compared_with_poisson_and_named_only_where_they_tell(plan):
    rows = {(row["answer"], row["of"]): row for row in plan["twins"]}
    machines = rows["machines", "the workload itself"]
    assert machines["differs"]
    assert machines["traffic"] > machines["poisson"]
    for row in rows.values():
        apart = row["low"] > row["poisson_high"] or row["high"] < row["poisson_low"]
        assert row["differs"] == apart
    text = " ".join(plan["why"])
    assert "bursty.csv is bursty" in text
    assert f"machines outside (the workload itself): {machines['traffic']:.3g}" in text


def test_poisson_beside_poisson_is_no_difference(run, tmp_path):
    calm = read(trace_of(tmp_path / "calm.csv", even()))
    found = capacity.document(run, calm, [limit_profile("free")])
    assert found["traffic"]["shape"]["kind"] == "poisson"
    assert not any(row["differs"] for row in found["twins"])


def test_a_drawn_rate_has_no_twin_and_is_held_to_simpy(rated):
    assert rated["twins"] == []
    check = rated["simulation"]["check"]
    assert check["equal"], check["differences"]
    assert check["ratio"] > 1
    assert rated["simulation"]["requests"] == pytest.approx(144_000, rel=0.02)


def test_everything_guessed_stands_in_the_result(plan):
    given = plan["assumptions"]
    assert set(given["guesses"]) == set(Assumed().as_row())
    assert len(given["banks"]) == len(GUESSES)
    assert given["factors"] == pytest.approx(list(np.geomspace(0.5, 2, 5)))
    assert given["transfer"] is None


def test_the_factor_of_the_run_is_used(tmp_path, bursty):
    from bench.transfer import Transfer

    own = made(tmp_path / "own", WARM, COLD)
    found = Transfer(0.4, 0.35, 0.45, 200, 0, "tail", "rag_simple")
    (own.path / "transfer.json").write_bytes(json.dumps(found.as_row()).encode())
    plan = capacity.document(own, bursty, [limit_profile("free")])
    assert max(plan["assumptions"]["factors"]) < 0.46
    assert plan["assumptions"]["transfer"]["source"] == "tail"
    assert of(plan, "free", "killed_share")["value"] == 0.0
    assert of(plan, "free", "killed_share")["high"] < 0.01


def test_an_assumption_changes_the_answer_in_its_direction(run, bursty):
    profiles = [limit_profile("free")]
    case = Case(used.read(run, None), bursty, Assumed(), profiles, 1.0, 1)
    short, long = (whole(case.but(idle_s=idle)).cold for idle in (5.0, 5000.0))
    assert short > 2 * long


def test_the_tornado_has_every_guess_that_has_a_range(plan):
    names = {row["what"] for row in plan["sensitivity"]}
    assert {"transfer factor", "bank", "idle_s", "life_s", "backlog_ms", "locations",
            "skew", "cold CPU", "wait outside"} == names  # fmt: skip
    assert {row["answer"] for row in plan["sensitivity"]} == set(ANSWERS)


def test_a_run_without_the_workload_is_refused_before_anything_is_simulated(
    run, bursty
):
    with pytest.raises(UserError, match="no requests of webhook"):
        capacity.document(run, bursty, workload="webhook")


def test_the_terminal_says_the_answer_first_and_is_narrow(plan, rated):
    for document in (plan, rated):
        text = shown.terminal(document)
        assert max(map(len, text.splitlines())) <= 100
        assert text.index("first limit to break" if "first limit to break" in text
                          else "breaks") < text.index("requests ended")  # fmt: skip
        assert "peak memory" in text
    assert "needs 10,000" in shown.terminal(plan)
    assert "SimPy gives the same answers" in " ".join(shown.terminal(rated).split())


def test_markdown_has_every_table_and_no_mathematics(plan):
    text = shown.markdown(plan)
    for head in ("what drives it", "machines outside", "a month on", "dollars against"):
        assert f"| {head}" in text
    assert "$" not in text.replace("\\$", "")
