"""Where re-ranking should happen, and the article's stories."""

from __future__ import annotations

import pytest

from bench.verdict import stories
from bench.verdict.break_even import BAND, break_even
from bench.verdict.switch import fit

CPU_MS = 10.0


def option(name: str, locked: float, half: float = 10.0, **more) -> dict:
    return {
        "option": name,
        "phase": "warm",
        "k": 8,
        "dims": 1536,
        "worker_cpu_us": locked + 300,
        "worker_low": locked + 290,
        "worker_high": locked + 310,
        "locked_us": locked,
        "locked_low": locked - half,
        "locked_high": locked + half,
        "round_trip_ms": 1.5,
        "error": None,
        **more,
    }


def test_the_cheapest_way_to_offload_stands_for_all():
    options = [
        option("in_path", 1000),
        option("exact", 1400),
        option("offload_json", 2000),
        option("offload_ids", 400),
        option("off", 200),
    ]
    (row,) = break_even(options, CPU_MS)
    assert row["choice"] == "offload_ids"
    assert row["runner_up"] == "in_path"
    assert row["saves_us"] == 600
    assert row["low"] < 600 < row["high"]
    assert row["matters"]
    assert row["exact_us"] == 1400


def test_a_small_or_uncertain_saving_does_not_matter():
    band = BAND * CPU_MS * 1000
    near = [option("in_path", 1000), option("offload_ids", 1000 - band / 2, 1.0)]
    unsure = [option("in_path", 1000, 400), option("offload_ids", 700, 400)]
    for options in (near, unsure):
        (row,) = break_even(options, CPU_MS)
        assert not row["matters"]


def test_each_phase_and_size_is_decided_apart_and_failures_are_left_out():
    options = [
        option("in_path", 1000),
        option("offload_ids", 400),
        option("in_path", 300, phase="cold"),
        option("offload_ids", 900, phase="cold"),
        option("exact", 1, error="gone"),
        option("in_path", 100, k=1),
    ]
    warm, cold = break_even(options, CPU_MS)
    assert (warm["phase"], warm["choice"]) == ("warm", "offload_ids")
    assert (cold["phase"], cold["choice"]) == ("cold", "in_path")
    assert warm["exact_us"] is None


def test_where_the_lock_is_not_traced_the_cpu_decides():
    options = [option("in_path", 1000), option("offload_ids", 400)]
    for row in options:
        row |= {"locked_us": None, "locked_low": None, "locked_high": None}
    (row,) = break_even(options, CPU_MS)
    assert row["in_path_us"] == 1300


def test_offloading_takes_as_long_at_the_network_time_that_it_saves():
    options = [
        option("in_path", 1000, wall_ms=9.0),
        option("offload_ids", 1, wall_ms=2),
    ]
    (row,) = break_even(options, CPU_MS)
    assert row["network_break_even_ms"] == pytest.approx(7.0)


def parsed(parser: str, us: float, high: float) -> dict:
    return {
        "parser": parser,
        "runtime": "workerd",
        "mode": "full",
        "fixture": "transcript.json",
        "bytes": 18_200,
        "cpu_us": us,
        "low": us * 0.9,
        "high": high,
    }


def test_a_story_is_reproduced_only_where_an_interval_reaches_it():
    rows = [parsed("quick", 50, 60), parsed("slow", 3900, 4100)]
    sizes = {1_000: [2.0, 2.0], 10_000: [20.0, 20.0], 100_000: [200.0, 200.0]}
    lines = {("quick", "full", "transcript"): fit(sizes)}
    quick, slow, size = stories.parse(rows, lines, [])
    assert not quick["reproduces"]
    assert slow["reproduces"]
    assert size["bytes"] == pytest.approx(2_000_000, rel=0.01)
    assert not size["reproduces"]
    assert "2.0 MB" in size["condition"]


def test_the_second_story_is_asked_of_the_article_s_job_and_of_what_takes_as_long():
    options = [
        option("in_path", 900),
        option("in_path", 14_000, k=100),
        option("in_path", 50, k=1),
        option("off", 20_000),
    ]
    found = list(stories.rerank([], options))
    assert [(row["k"], row["reproduces"]) for row in found] == [(8, False), (100, True)]
    assert found[1]["measured_ms"] == 14
