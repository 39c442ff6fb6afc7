"""Histograms: bins within 1 %, quantiles with the interval that they claim."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.simulation._serve import bin_of
from bench.simulation.histogram import BINS, Histogram, edges, needed

RELATIVE = 0.01


def filled(values):
    """A histogram as the compiled loop fills it."""
    values = np.asarray(values, dtype=np.float64)
    bins = [bin_of(float(value)) for value in values]
    return Histogram(np.bincount(bins, minlength=BINS), float(values.sum()))


@given(st.floats(2.0**-10, 2.0**30, exclude_max=True))
def test_a_value_is_at_most_a_percent_above_its_bin(value):
    edge = edges()[bin_of(value)]
    assert edge <= value < edge * (1 + RELATIVE)


def test_edges_rise_and_start_at_zero():
    found = edges()
    assert found[0] == 0
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize("value", [0.0, 2.0**-11, 2.0**40, math.inf])
def test_what_is_outside_is_in_the_first_or_the_last_bin(value):
    assert bin_of(value) == (0 if value < 1 else BINS - 1)


@pytest.mark.parametrize("value", range(257))
def test_small_whole_numbers_are_exact(value):
    assert edges()[bin_of(float(value))] == value


@pytest.mark.parametrize(
    ("q", "count"), [(0.5, 20), (0.9, 100), (0.99, 1000), (0.999, 10_000), (0.1, 100)]
)
def test_a_quantile_needs_ten_values_beyond_it(q, count):
    assert needed(q) == count
    assert filled(np.ones(count - 1)).quantile(q) is None
    assert filled(np.ones(count)).quantile(q) == (1, 1, 1)


def test_no_high_quantile_from_a_hundred_samples():
    found = filled(np.arange(1.0, 101.0))
    assert found.quantile(0.999) is None
    assert found.quantile(0.99) is None
    assert found.quantile(0.9).value == 90
    assert found.mean == 50.5
    assert found.count == 100


def test_an_empty_one_has_nothing():
    empty = Histogram(np.zeros(BINS, dtype=np.int64), 0.0)
    assert empty.quantile(0.5) is None
    assert math.isnan(empty.mean)


@pytest.mark.parametrize("q", [0.0, 1.0, -1.0, 2.0, math.nan])
def test_a_quantile_outside_is_refused(q):
    with pytest.raises(ValueError, match="between 0 and 1"):
        filled(np.ones(50)).quantile(q)


@given(
    st.lists(st.floats(0.01, 1e6), min_size=20, max_size=200),
    st.sampled_from([0.25, 0.5, 0.75]),
)
def test_a_quantile_is_that_of_the_sorted_values(values, q):
    found = filled(values).quantile(q)
    if found is None:
        assert len(values) * min(q, 1 - q) < 10
        return
    exact = sorted(values)[math.ceil(q * len(values)) - 1]
    assert exact / (1 + RELATIVE) <= found.value <= exact
    assert found.low <= found.value <= found.high


def test_the_interval_holds_the_true_quantile_as_often_as_it_says():
    """400 samples of an exponential: a 95 % interval must not cover less than 92 %,
    which luck alone brings about once in 300 times."""
    rng = np.random.default_rng(5)
    true = -math.log(0.1)
    hits = 0
    for _ in range(400):
        found = filled(rng.exponential(size=400)).quantile(0.9)
        hits += found.low <= true <= found.high * (1 + RELATIVE)
    assert hits >= 0.92 * 400


def test_a_billion_values_are_no_more_work():
    counts = np.zeros(BINS, dtype=np.int64)
    counts[[bin_of(1.0), bin_of(2.0)]] = 999_000_000, 1_000_000
    found = Histogram(counts, 1.0)
    assert found.quantile(0.99) == (1, 1, 1)
    assert found.quantile(0.9999) == (2, 2, 2)
    # The share below 2 is known to a millionth, the quantile at its edge is not.
    assert found.quantile(0.999)[1:] == (1, 2)
