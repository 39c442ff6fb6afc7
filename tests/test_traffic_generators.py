"""Arrivals that are drawn: rate and burstiness within what chance allows."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from traffic_support import made

from bench.errors import UserError
from bench.traffic import shape
from bench.traffic.generators import daily, gamma, load, poisson

HOUR = 3600.0
RUNS = 400
HOURLY = np.array([0.0] * 6 + [1.0] * 12 + [2.0] * 6)
DAY = made(np.arange(0, 86_400, 7.0), start=datetime(2026, 3, 1, tzinfo=UTC))


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", load())
def test_a_generator_is_fitted_and_draws_in_time(name):
    module = load()[name]
    assert module.__doc__
    assert module.NOTE
    fitted = module.fit(DAY)
    at_s = module.at(0.5, 2 * HOUR, rng(), **fitted)
    again = module.at(0.5, 2 * HOUR, rng(), **fitted)
    other = module.at(0.5, 2 * HOUR, rng(2), **fitted)
    assert at_s.tolist() == again.tolist() != other.tolist()
    assert at_s.dtype == np.float64
    assert (np.diff(at_s) >= 0).all()
    assert at_s[0] >= 0
    assert at_s[-1] <= 2 * HOUR
    # 3600 arrivals: 6 standard deviations of a Poisson count.
    assert at_s.size == pytest.approx(HOUR, abs=6 * HOUR**0.5)
    assert module.at(1e-9, 1.0, rng(), **fitted).size == 0


@given(st.floats(0.1, 50), st.floats(1, 500), st.floats(0.2, 6), st.integers(0, 999))
def test_what_is_drawn_is_sorted_and_inside(rate, duration_s, cv, seed):
    for at_s in (
        poisson.at(rate, duration_s, rng(seed)),
        gamma.at(rate, duration_s, rng(seed), cv=cv),
        daily.at(rate, duration_s, rng(seed), hourly=HOURLY + 0.5),
    ):
        assert (np.diff(at_s) >= 0).all()
        assert ((at_s >= 0) & (at_s <= duration_s)).all()


@pytest.mark.parametrize("cv", [0.0, 0.5, 1.0, 3.0, 8.0])
def test_gamma_has_the_rate_and_the_burstiness_that_it_is_asked_for(cv):
    """Means over 400 runs, by their own standard error; 5 of them are a chance of 1
    in a million. An ordinary renewal process would have (cv^2 - 1) / 2 too many."""
    counts = np.array(
        [gamma.at(2.0, 50.0, rng(seed), cv=cv).size for seed in range(RUNS)]
    )
    error = counts.std(ddof=1) / math.sqrt(RUNS)
    assert abs(counts.mean() - 100) <= 5 * error + 1e-9
    if cv == 8:
        assert 5 * error < (cv**2 - 1) / 2
    gaps = np.diff(gamma.at(2.0, 100_000.0, rng(), cv=cv))
    # The CV of n gamma gaps has a standard error below 2 cv^2 / sqrt(n).
    assert gaps.std() / gaps.mean() == pytest.approx(cv, abs=0.02 + 0.01 * cv**2)


def test_a_fit_gives_back_what_was_drawn():
    drawn = made(gamma.at(5.0, 20_000.0, rng(), cv=3.0))
    assert gamma.fit(drawn)["cv"] == pytest.approx(3, abs=0.15)
    assert poisson.fit(drawn) == {}
    with pytest.raises(UserError, match="shorter than 23 hours"):
        daily.fit(drawn)


def test_poisson_counts_have_their_mean_as_variance():
    counts = np.array([poisson.at(2.0, 50.0, rng(seed)).size for seed in range(RUNS)])
    assert abs(counts.mean() - 100) < 5 * 10 / math.sqrt(RUNS)
    assert counts.var(ddof=1) / 100 == pytest.approx(1, abs=5 * math.sqrt(2 / RUNS))


def test_a_day_has_its_hours_and_nothing_where_there_is_none():
    at_s = daily.at(1.0, 48 * HOUR, rng(), hourly=HOURLY)
    hours = np.bincount((at_s // HOUR).astype(int), minlength=48)
    assert hours[:6].sum() == hours[24:30].sum() == 0
    for relative in (1, 2):
        counts = hours[np.tile(relative == HOURLY, 2)]
        expected = relative * HOUR
        assert (abs(counts - expected) < 5 * math.sqrt(expected)).all()


def test_half_a_day_has_the_rate_of_its_own_hours():
    """The rate is the mean of a whole day: six hours of nothing, six of one."""
    at_s = daily.at(1.0, 12 * HOUR, rng(), hourly=HOURLY)
    assert at_s.size == pytest.approx(6 * HOUR, abs=5 * math.sqrt(6 * HOUR))
    part = daily.at(1.0, 6.25 * HOUR, rng(), hourly=HOURLY)
    assert part.size == pytest.approx(HOUR / 4, abs=5 * 30)
    assert part.min() >= 6 * HOUR


def test_a_day_that_was_drawn_is_fitted():
    start = datetime(2026, 3, 1, tzinfo=UTC)
    trace = made([0, *daily.at(1.0, 72 * HOUR, rng(), hourly=HOURLY)], start=start)
    fitted = daily.fit(trace)
    assert len(fitted["hourly"]) == 24
    assert fitted["hourly"] == pytest.approx(HOURLY.tolist(), abs=0.08)
    assert shape(trace).n == trace.at_s.size
