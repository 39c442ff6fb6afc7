"""More traffic, or faster: what must be conserved, and what superposition smooths."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from traffic_support import made, tried

from bench.errors import UserError
from bench.traffic import shape
from bench.traffic._trace import MOST
from bench.traffic.generators import gamma

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIMES = st.lists(st.integers(0, 10**6), min_size=2, max_size=40).filter(
    lambda times: len(set(times)) > 1
)
VOLUME = st.floats(0.1, 6)


def trace(times):
    """A trace whose tokens say which request each arrival is."""
    numbers = np.arange(len(times), dtype=np.float64)
    more = {"context": numbers, "generated": numbers + 0.5, "start": START}
    return made(np.sort(times) / 1000, **more)


@given(TIMES)
def test_once_as_much_at_the_same_speed_is_the_same(times):
    one = trace(times)
    same = one.scaled()
    assert same.at_s.tolist() == one.at_s.tolist()
    assert same.context.tolist() == one.context.tolist()
    assert (same.start, same.duration_s) == (one.start, one.duration_s)


@given(TIMES, VOLUME, st.integers(0, 2**32))
def test_volume_conserves_requests_time_and_what_a_request_carries(times, volume, seed):
    one = trace(times)
    n, wanted = len(times), round(volume * len(times))
    if wanted < 2:
        return
    more, error = tried(one.scaled, volume=volume, seed=seed)
    if error:
        # A few of many requests may be of one moment.
        assert "at one moment" in str(error)
        assert volume < 1
        return
    assert more.at_s.size == wanted
    assert more.at_s[0] == 0
    assert (np.diff(more.at_s) >= 0).all()
    assert (more.generated == more.context + 0.5).all()
    often = Counter(more.context.tolist())
    whole = wanted // n
    assert set(often.values()) <= {whole, whole + 1}
    assert len(often) == n or whole == 0
    assert more.at_s[-1] < one.duration_s
    if whole:
        assert more.at_s[-1] >= one.at_s[-1]
        assert more.start == one.start
        # The first copy is the trace itself.
        assert not Counter(one.at_s.tolist()) - Counter(more.at_s.tolist())
    else:
        begin = (more.start - one.start) / timedelta(seconds=1)
        kept = one.at_s[more.context.astype(int)]
        assert more.at_s + begin == pytest.approx(kept, abs=1e-5)
    assert (more.name, more.rows, more.sha256) == (one.name, one.rows, one.sha256)


@given(TIMES, st.floats(0.01, 100))
def test_speed_divides_every_gap(times, speed):
    one = trace(times)
    fast = one.scaled(speed=speed)
    assert np.diff(fast.at_s) == pytest.approx(np.diff(one.at_s) / speed, abs=1e-9)
    assert fast.duration_s == pytest.approx(one.duration_s / speed)
    assert fast.context.tolist() == one.context.tolist()
    assert fast.start == one.start


def test_a_seed_is_a_draw():
    one = trace(range(0, 50_000, 37))
    first, again, other = (one.scaled(volume=2.5, seed=seed).at_s for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_many_tenants_are_smoother_than_one():
    """Gaps tend to exponential ones (Palm 1943); variance / mean of a sum of
    independent counts is that of each, here estimated from 60 windows."""
    bursty = made(gamma.at(1.0, 3600.0, np.random.default_rng(1), cv=2.0))
    one, many = shape(bursty), shape(bursty.scaled(volume=60))
    assert many.cv < 1.4 < 1.8 < one.cv
    assert many.peak / many.rate < 0.7 * one.peak / one.rate
    assert many.dispersion[60.0] == pytest.approx(one.dispersion[60.0], rel=0.5)
    # Speed keeps the bursts.
    assert shape(bursty.scaled(speed=4)).cv == pytest.approx(one.cv)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"volume": 0.0}, ("--volume", "positive")),
        ({"volume": math.nan}, ("--volume", "positive")),
        ({"volume": -1.0}, ("--volume", "positive")),
        ({"speed": math.inf}, ("--speed", "positive")),
        ({"volume": 0.1}, ("--volume", "between 2 and")),
        ({"volume": MOST}, ("--volume", "--rate")),
        ({"volume": 1e308}, ("--volume", "--rate")),
        ({"speed": 1e-300}, ("--speed", "one moment")),
    ],
)
def test_a_factor_that_makes_no_trace_is_refused(asked, words):
    with pytest.raises(UserError) as caught:
        trace(range(10)).scaled(**asked)
    assert all(word in str(caught.value) for word in words)
