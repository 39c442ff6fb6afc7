"""What a trace is like: figures by hand, errors of the test, intervals that hold."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from traffic_support import made

from bench.traffic import read, shape
from bench.traffic._shape import BURSTY, LEVEL, POISSON
from bench.traffic.generators import daily, gamma, poisson

SEEDS = 100
HOUR = 3600.0


def drawn(module, seed, rate=5.0, duration_s=HOUR, **fitted):
    return made(module.at(rate, duration_s, np.random.default_rng(seed), **fitted))


def test_figures_of_a_small_trace_by_hand():
    found = shape(made([0, 1, 1, 4]))
    assert found.n == 4
    assert found.rate == pytest.approx(3 / 4)
    assert found.cv == pytest.approx(np.sqrt(14 / 9) / (4 / 3))
    assert found.peak == 2
    assert found.dispersion == {}
    assert found.hourly is None
    assert found.kind == POISSON


def test_dispersion_by_hand():
    """Pairs in every second second: 38 whole ones, with counts 2 0 2 0 ... 2 0."""
    found = shape(made(np.repeat(np.arange(0, 40, 2.0), 2)))
    assert list(found.dispersion) == [1.0]
    assert found.dispersion[1.0] == pytest.approx(38 / 37)


def test_a_timer_has_no_dispersion_and_counts_as_poisson():
    found = shape(made(np.arange(100_000) * 0.5))
    assert found.cv == pytest.approx(0, abs=1e-9)
    assert set(found.dispersion) == {1.0, 10.0, 60.0, 600.0}
    assert max(found.dispersion.values()) == pytest.approx(0)
    assert found.kind == POISSON
    assert found.peak == 2


def test_the_peak_is_over_a_minute_of_a_long_trace_and_a_second_of_a_short_one():
    burst = 50 + np.arange(120) / 4
    assert shape(made([0, *burst, 1300])).peak == 2
    assert shape(made([0, *burst, 600])).peak == 4
    # Shorter than a second: no second of it is empty.
    assert shape(made([0, 0.25, 0.5])).peak == pytest.approx(3 / 0.75)


@given(st.lists(st.floats(0, 1e5), min_size=2, max_size=60), st.floats(0.01, 100))
def test_figures_are_finite_and_scale_with_time(times, factor):
    at_s = np.sort(times)
    if at_s[-1] - at_s[0] < 1e-3:
        return
    one, other = shape(made(at_s)), shape(made(at_s * factor))
    assert 0 <= one.rate_low <= one.rate <= one.rate_high < np.inf
    assert one.peak >= one.rate * (1 - 1e-9)
    assert other.rate == pytest.approx(one.rate / factor)
    assert other.cv == pytest.approx(one.cv, rel=1e-6)
    assert all(index >= 0 for index in one.dispersion.values())


@pytest.mark.parametrize("rate", [0.02, 1.0, 20.0])
def test_poisson_is_called_bursty_at_the_level_of_the_test(rate):
    """100 seeds at 1 %: more than 5 false alarms have a chance of 0.0005."""
    kinds = [shape(drawn(poisson, seed, rate)).kind for seed in range(SEEDS)]
    assert kinds.count(BURSTY) <= 5


@pytest.mark.parametrize(
    ("cv", "rate"), [(4.0, 5.0), (4.0, 0.1), (1.5, 5.0), (2.0, 0.5)]
)
def test_bursts_are_found(cv, rate):
    kinds = [shape(drawn(gamma, seed, rate, cv=cv)).kind for seed in range(SEEDS)]
    assert kinds.count(BURSTY) >= 95


def test_a_change_over_the_day_is_found():
    hourly = 1 + 0.3 * np.sin(np.arange(24) / 24 * 2 * np.pi)
    for seed in range(20):
        found = shape(drawn(daily, seed, 0.5, 24 * HOUR, hourly=hourly))
        assert found.kind == BURSTY
        # Inside of ten seconds nothing of it is to be seen.
        assert found.dispersion[1.0] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("cv", [1.0, 4.0])
def test_the_interval_holds_the_true_rate_in_19_of_20(cv):
    """200 seeds: fewer than 180 have a chance of 0.002 where coverage is 95 %."""
    held = 0
    for seed in range(200):
        found = shape(drawn(gamma, seed, 1.0, 1800.0, cv=cv))
        held += found.rate_low <= 1.0 <= found.rate_high
    assert held >= 180
    # And it is not wide beyond use: far away rates are excluded.
    assert found.rate_high < 3
    assert found.rate_low > 1 / 3


def test_hours_are_those_of_the_day_whenever_the_trace_begins():
    hourly = np.arange(1, 25) / 12.5
    for start, turned in ((None, 0), (datetime(2026, 3, 1, 6, tzinfo=UTC), 6)):
        at_s = daily.at(
            2.0, 72 * HOUR, np.random.default_rng(1), hourly=np.roll(hourly, -turned)
        )
        found = shape(made(at_s, start=start)).hourly
        assert found.mean() == pytest.approx(1)
        # The smallest hour has 1,728 arrivals: 5 standard deviations are 12 %.
        assert found == pytest.approx(hourly, rel=0.12)


def test_an_hour_that_is_missed_gets_the_mean_of_its_neighbours():
    found = shape(made(np.arange(0, 23.01 * HOUR, 10))).hourly
    assert found.shape == (24,)
    assert found == pytest.approx(1, abs=0.01)
    assert shape(made(np.arange(0, 22 * HOUR, 10))).hourly is None


def test_the_real_traces_differ_in_kind(real):
    code = shape(read(real / "traces" / "AzureLLMInferenceTrace_code.csv"))
    conv = shape(read(real / "traces" / "AzureLLMInferenceTrace_conv.csv"))
    assert code.kind == BURSTY
    assert code.cv == pytest.approx(13.2, abs=0.05)
    assert conv.cv == pytest.approx(1.09, abs=0.005)
    assert code.dispersion[10.0] > 10 * conv.dispersion[10.0]
    # Batch means know that bursts make a mean rate uncertain.
    code_width, conv_width = (
        (found.rate_high - found.rate_low) / found.rate for found in (code, conv)
    )
    assert code_width > 2 * conv_width
    # Near Poisson from gap to gap, but its rate wanders from minute to minute.
    assert conv.dispersion[1.0] < 1.5
    assert conv.dispersion[60.0] > 10
    assert conv.kind == BURSTY


def test_the_bounds_of_these_tests_are_hardly_luck():
    assert binom.sf(5, SEEDS, LEVEL) < 0.001
    assert binom.cdf(179, 200, 0.95) < 0.003
