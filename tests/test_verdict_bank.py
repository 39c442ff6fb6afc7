"""The bank of CPU: closed forms, what must be monotone, and the three verdicts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.verdict import bank
from bench.verdict._matrix_terms import UNTIL
from bench.verdict.answer import FITS, TOO_MUCH
from bench.verdict.bank import GUESSES, REQUESTS, STRICTER, Bank

MS = st.floats(0, 60)
COSTS = st.lists(MS, min_size=1, max_size=12)
SIZE = st.floats(0, 300)


def constant(cost, of, requests=200):
    """The request that ends an isolate whose every request costs the same."""
    [[dead]] = bank.deaths(np.full((1, requests), cost), [of])
    return None if dead > requests else int(dead)


def by_hand(costs, of):
    """The same rule, request by request and in the words of the documentation."""
    left = of.credit_ms
    for number, cost in enumerate(costs, start=1):
        left += of.limit_ms - cost
        if left < 0:
            return number
        left = min(left, of.cap_ms)
    return len(costs) + 1


@pytest.mark.parametrize("cost", [0.0, 3.0, 9.999, 10.0])
def test_a_constant_cost_that_is_not_above_the_limit_never_dies(cost):
    for cap, credit in (*GUESSES, *STRICTER):
        assert constant(cost, Bank(10, cap, credit)) is None


@pytest.mark.parametrize("over", [0.5, 1.0, 4.0, 32.0])
@pytest.mark.parametrize("credit", [0.0, 7.0, 32.0, 64.0])
def test_a_constant_cost_above_it_dies_when_the_credit_is_used_up(over, credit):
    """After n requests n * over is taken out; the first that finds too little dies."""
    expected = math.floor(credit / over) + 1
    assert constant(10 + over, Bank(10, 500, credit)) == expected


def test_one_overrun_is_absorbed_and_a_threshold_would_not():
    costs = np.array([[4.0] * 20 + [60.0] + [4.0] * 20])
    [[saved]], [[ended]] = (
        bank.deaths(costs, [of]) for of in (Bank(10, 400, 0), Bank(10, 0, 0))
    )
    assert saved == 42
    assert ended == 21


def test_what_rolls_over_is_capped():
    costs = np.array([[0.0] * 100 + [75.0]])
    for cap, expected in ((60.0, 101), (70.0, 102)):
        assert bank.deaths(costs, [Bank(10, cap, 0)]).item() == expected


@given(st.lists(MS, min_size=1, max_size=60), SIZE, SIZE, st.floats(1, 50))
def test_a_walk_is_what_the_rule_says(costs, cap, credit, limit):
    of = Bank(limit, cap, min(cap, credit))
    # Together with another bank and another isolate, that must not matter.
    both = bank.deaths(np.array([costs, [0.0] * len(costs)]), [Bank(99, 1, 1), of])
    assert both[1].tolist() == [by_hand(costs, of), len(costs) + 1]


@given(st.lists(MS, min_size=1, max_size=60), SIZE, SIZE, SIZE, st.floats(1, 3))
def test_more_credit_cap_or_limit_never_kills_earlier_nor_a_larger_factor_later(
    costs, first, second, third, times
):
    low, middle, high = sorted((first, second, third))
    drawn = np.array([costs])

    def ends(of, factor=1.0):
        return bank.deaths(drawn * factor, [of]).item()

    assert ends(Bank(10, high, low)) <= ends(Bank(10, high, middle))
    assert ends(Bank(10, middle, low)) <= ends(Bank(10, high, low))
    assert ends(Bank(10, high, low)) <= ends(Bank(10 * times, high, low))
    assert ends(Bank(10, high, low), times) <= ends(Bank(10, high, low))


@settings(max_examples=30)
@given(COSTS, COSTS, SIZE, SIZE, st.integers(0, 2**32))
def test_the_share_that_was_killed_grows_and_more_credit_never_raises_it(
    warm, cold, first, second, seed
):
    low, high = sorted((first, second))
    given_ = {"requests": 40, "isolates": 20, "seed": seed}
    poor = bank.simulate(warm, cold, Bank(10, high, low), **given_)
    rich = bank.simulate(warm, cold, Bank(10, high, high), **given_)
    assert poor.shape == (40,)
    assert (np.diff(poor) >= 0).all()
    assert 0 <= poor[0] <= poor[-1] <= 1
    assert (rich <= poor).all()


def test_the_first_request_is_cold_and_the_others_are_warm():
    of = Bank(10, 50, 50)
    assert bank.simulate([1.0], [61.0], of)[0] == 1
    assert bank.simulate([1.0], [60.0], of)[-1] == 0
    # Cold requests never come back: 60 a second time would end it.
    assert bank.simulate([10.0], [60.0], of)[-1] == 0
    assert bank.simulate([10.5], [60.0], of).tolist()[:2] == [0, 1]


def test_a_factor_is_the_same_as_dearer_requests():
    of = Bank(10, 100, 100)
    rng = np.random.default_rng(3)
    warm, cold = rng.exponential(6, 30), rng.exponential(20, 8)
    twice = bank.simulate(2 * warm, 2 * cold, of, seed=5)
    assert (bank.simulate(warm, cold, of, seed=5, factor=2.0) == twice).all()
    assert (bank.simulate(warm, cold, of, seed=6, factor=2.0) != twice).any()


def test_what_works_in_a_test_and_dies_with_traffic():
    """A mean slightly above the limit: METHOD's feasibility study, 11 ms of 10."""
    rng = np.random.default_rng(1)
    costs = rng.lognormal(math.log(11) - 0.18, 0.6, 4000)
    killed = bank.simulate(costs, costs, Bank(10, 2000, 400))
    assert killed[49] == 0
    assert killed[-1] > 0


@pytest.mark.parametrize(
    ("warm", "cold"), [([], [1.0]), ([1.0], []), ([-1.0], [1.0]), ([math.nan], [1.0])]
)
def test_costs_that_are_none_are_refused(warm, cold):
    with pytest.raises(ValueError, match="positive numbers"):
        bank.simulate(warm, cold, Bank(10, 1, 1))


@pytest.mark.parametrize("values", [(0, 1, 1), (10, 1, 2), (10, 1, -1)])
def test_a_bank_that_could_not_be_one_is_refused(values):
    with pytest.raises(ValueError, match="limit > 0"):
        Bank(*values)


def test_it_lasts_until_more_than_the_tolerated_share_has_died():
    alive = REQUESTS + 1
    one, two = [[30, *[alive] * 99], [30, 40, *[alive] * 98]]
    assert bank.lasts(np.array([one, two]), REQUESTS).tolist() == [math.inf, 39]
    assert bank.lasts(np.array([[1] * 100]), REQUESTS).tolist() == [0]


def test_a_mean_above_the_limit_ends_even_where_nothing_died_yet():
    of = Bank(10, 2000, 2000)
    means = np.array([9.0, 10.0, 10.5, 11.0, 1e9])
    ends = bank.sustained(np.full(5, math.inf), means, of).tolist()
    assert ends == [math.inf, math.inf, 4000, 2000, REQUESTS]
    assert bank.sustained(np.array([7.0]), np.array([11.0]), of).tolist() == [7]


def test_the_three_verdicts_and_their_words():
    assert [bank.kind(value) for value in (math.inf, 9, 10, 600)] == [
        FITS, TOO_MUCH, UNTIL, UNTIL,
    ]  # fmt: skip
    assert bank.said(FITS, None) == "fits"
    assert bank.said(UNTIL, 1234) == "fits until 1,200 requests per isolate"
    assert bank.said(TOO_MUCH, None) == "does not fit"
