"""What is drawn: the generator's published output, distributions, arrivals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bench.simulation import Demand
from bench.simulation._arrivals import blocks, weights
from bench.simulation._random import (
    exponential,
    gamma,
    high,
    key,
    low,
    uniform,
    word,
)

# A test that a correct program fails once in 10^5 seeds.
ALPHA = 1e-5
SHORTEST = 1e-9


def words(count, of=None):
    of = key(3) if of is None else of
    return [np.uint64(word(of, np.uint64(n))) for n in range(count)]


def arrivals(demand, seed=1, location=0, size=1000):
    parts = [block.copy() for block in blocks(demand, seed, location, None, size)]
    return np.concatenate([np.empty(0), *parts]) / 1000


def one_place(rate=2.0, duration=20_000.0, cv=1.0):
    rates = np.atleast_1d(np.asarray(rate, dtype=np.float64))
    return Demand(duration, rates, cv=cv, locations=1)


def test_the_generator_is_splitmix64():
    """Outputs for seed 1234567 as its author's code prints them (prng.di.unimi.it)."""
    assert [int(value) for value in words(5, np.uint64(1234567))] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_keys_differ_by_seed_place_and_purpose():
    found = {int(key(seed, place, use)) for seed in range(9) for place in range(9)
             for use in range(4)}  # fmt: skip
    assert len(found) == 9 * 9 * 4
    assert key(-1) == key(2**64 - 1)


def test_uniforms_and_indices_are_even_and_independent():
    drawn = words(20_000)
    values = [uniform(bits) for bits in drawn]
    assert 0 < min(values) < max(values) < 1
    assert stats.kstest(values, "uniform").pvalue > ALPHA
    pairs = np.zeros((7, 5))
    for bits in drawn:
        pairs[high(bits, 7), low(bits, 5)] += 1
    assert stats.chisquare(pairs.ravel()).pvalue > ALPHA


def test_the_ends_of_the_range():
    assert uniform(np.uint64(0)) > 0
    assert uniform(np.uint64(2**64 - 1)) < 1
    assert high(np.uint64(2**64 - 1), 10) == 9
    assert low(np.uint64(2**64 - 1), 10) == 9


def test_exponentials():
    drawn = [exponential(key(1), np.uint64(n)) for n in range(10_000)]
    assert stats.kstest(drawn, "expon").pvalue > ALPHA


@pytest.mark.parametrize("shape", [0.05, 0.4, 1.0, 2.5, 40.0])
def test_gammas(shape):
    number, drawn = np.uint64(0), []
    for _ in range(10_000):
        value, number = gamma(key(2), np.uint64(number), shape)
        drawn.append(value)
    assert stats.kstest(drawn, "gamma", (shape,)).pvalue > ALPHA


def test_poisson_arrivals():
    found = arrivals(one_place(rate=2.0, duration=5_000))
    assert (np.diff(found) >= 0).all()
    assert 0 < found[0] < found[-1] < 5_000
    assert stats.kstest(np.diff(found) * 2.0, "expon").pvalue > ALPHA
    assert stats.poisson.sf(found.size, 10_000) > ALPHA / 2
    assert stats.poisson.cdf(found.size, 10_000) > ALPHA / 2


@pytest.mark.parametrize("cv", [0.5, 3.0])
def test_gaps_of_any_variation(cv):
    found = arrivals(one_place(rate=2.0, duration=5_000, cv=cv))
    shape = 1 / cv**2
    law = stats.gamma(shape, scale=0.5 / shape)
    gaps = np.diff(found)
    # A time of 5,000 s is a whole number of 10^-12 s, and many gaps are shorter.
    told = gaps[gaps > SHORTEST]
    hidden = law.cdf(SHORTEST)
    assert stats.binomtest(told.size, gaps.size, 1 - hidden).pvalue > ALPHA
    rest = stats.kstest(told, lambda gap: (law.cdf(gap) - hidden) / (1 - hidden))
    assert rest.pvalue > ALPHA


@pytest.mark.parametrize("cv", [0.3, 1.0, 4.0])
def test_no_burst_at_the_beginning(cv):
    """A stationary process has rate x duration arrivals on average however short it
    is; one that began with a whole gap would be off by (cv^2 - 1) / 2."""
    counts = [
        arrivals(one_place(rate=1.0, duration=5.0, cv=cv), seed).size
        for seed in range(3000)
    ]
    error = np.std(counts) / math.sqrt(len(counts))
    assert abs(np.mean(counts) - 5.0) < 4.5 * error
    assert 4.5 * error < abs(cv**2 - 1) / 2 or cv == 1.0


def test_the_rate_follows_its_bins():
    found = arrivals(one_place(rate=[1.0, 0.0, 4.0, 0.0], duration=8_000))
    counts, _ = np.histogram(found, bins=4, range=(0, 8_000))
    assert counts[1] == counts[3] == 0
    for count, mean in ((counts[0], 2_000), (counts[2], 8_000)):
        assert abs(count - mean) < 4.5 * math.sqrt(mean)


@pytest.mark.parametrize("cv", [1.0, 2.0])
def test_blocks_of_any_size_are_the_same_arrivals(cv):
    demand = one_place(rate=[3.0, 1.0], duration=100, cv=cv)
    assert arrivals(demand, size=7).tolist() == arrivals(demand, size=999).tolist()


def test_extreme_variation_stays_a_number():
    found = arrivals(one_place(rate=5.0, duration=1_000, cv=200.0))
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()


def test_weights_follow_zipf():
    demand = Demand(1.0, np.ones(1), locations=4, skew=1.0)
    assert weights(demand) == pytest.approx(np.array([12, 6, 4, 3]) / 25)
    even = Demand(1.0, np.ones(1), locations=4, skew=0.0)
    assert weights(even) == pytest.approx([0.25] * 4)
