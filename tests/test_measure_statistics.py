"""Intervals cover what they say, changepoints are found, the arithmetic is exact."""

from __future__ import annotations

import math
import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.measure.statistics import (
    Interval,
    central,
    log_ratio,
    mean_interval,
    proportion_interval,
    ratio_interval,
)
from bench.measure.warmup import STEADY_TURNS, is_steady, steady_from

positive = st.floats(0.001, 1e6)


def test_interval_of_the_mean_covers_the_truth_as_often_as_it_says():
    draw = random.Random(1)
    covered = sum(
        not mean_interval([draw.gauss(10, 2) for _ in range(8)]).excludes(10)
        for _ in range(2000)
    )
    # 95 % of 2000, give or take four standard errors.
    assert 0.93 < covered / 2000 < 0.97


def test_pooled_values_would_not_cover_it():
    """Why intervals are taken over processes: the values of one share its offset."""
    draw = random.Random(1)

    def processes() -> list[list[float]]:
        offsets = [draw.gauss(10, 1) for _ in range(4)]
        return [[draw.gauss(offset, 0.2) for _ in range(10)] for offset in offsets]

    pooled = per_process = 0
    for _ in range(400):
        values = processes()
        pooled += mean_interval([v for p in values for v in p]).excludes(10)
        per_process += mean_interval([fmean(p) for p in values]).excludes(10)
    assert per_process / 400 < 0.1 < 0.3 < pooled / 400


def test_one_process_says_nothing_about_the_next():
    alone = mean_interval([3.0])
    assert alone == Interval(3.0, -math.inf, math.inf, 1)
    assert ratio_interval([0.0]) == Interval(1.0, 0.0, math.inf, 1)


@given(st.lists(positive, min_size=2, max_size=40), positive)
def test_ratio_of_scaled_turns_is_the_scale(values, factor):
    assert log_ratio([v * factor for v in values], values) == pytest.approx(
        math.log(factor), abs=1e-9
    )


@given(st.lists(positive, min_size=2, max_size=20))
def test_ratio_interval_holds_its_estimate_and_inverts(logs_of):
    logs = [math.log(value) for value in logs_of]
    there, back = ratio_interval(logs), ratio_interval([-value for value in logs])
    assert there.low <= there.value <= there.high
    assert back.value == pytest.approx(1 / there.value)
    if 0 < there.low < there.high < math.inf:
        assert back.low == pytest.approx(1 / there.high, rel=1e-6)


@given(st.lists(positive, min_size=1, max_size=60), st.floats(0.5, 1.0))
def test_central_keeps_the_middle_and_at_least_one(totals, share):
    kept = central(totals, share)
    assert kept
    assert len(kept) == len(set(kept))
    left_out = [totals[i] for i in range(len(totals)) if i not in kept]
    inside = sorted(totals[i] for i in kept)
    assert all(value <= inside[0] or value >= inside[-1] for value in left_out)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # From the tables of Clopper and Pearson (1934) as any statistics text prints them.
    [(0, 10, 0.0, 0.3085), (5, 100, 0.0164, 0.1128), (10, 10, 0.6915, 1.0)],
)
def test_proportions_have_the_exact_interval(successes, n, low, high):
    rate = proportion_interval(successes, n)
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=5e-4)


def noisy(level: float, n: int, draw: random.Random) -> list[float]:
    return [level * (1 + draw.uniform(-0.02, 0.02)) for _ in range(n)]


@given(st.integers(0, 10**6), st.integers(6, 30), st.floats(1.2, 10))
def test_the_end_of_a_warm_up_is_found(seed, length, slowdown):
    draw = random.Random(seed)
    series = noisy(slowdown, length, draw) + noisy(1.0, 30, draw)
    assert abs(steady_from(series) - length) <= 1
    assert is_steady(series)


@given(st.integers(0, 10**6))
def test_a_process_that_still_speeds_up_is_not_steady(seed):
    draw = random.Random(seed)
    series = noisy(1.0, 40, draw) + noisy(0.7, STEADY_TURNS - 2, draw)
    assert not is_steady(series)


def test_flat_series_are_seldom_split_and_single_spikes_never_do_it():
    draw = random.Random(7)
    flat = [[draw.gauss(1, 0.03) for _ in range(40)] for _ in range(300)]
    assert sum(steady_from(series) > 0 for series in flat) / 300 < 0.1
    spiky = noisy(1.0, 40, draw)
    spiky[20] = 9.0
    assert steady_from(spiky) == 0
