"""Turn-taking: who gets which turn, and how often the verdict is wrong."""

from __future__ import annotations

import itertools
import random
from contextlib import closing
from itertools import islice

import pytest
from fake_subject import Cost, FakeSubject

from bench.measure.cold import cold_rounds
from bench.measure.compare import BLOCK, Budget, compare
from bench.measure.process import Turn
from bench.measure.turns import MIN_ROUNDS, TURN_NS, Member, Pace, calibrate, groups


def member(name: str, cost: Cost, loops: int | None = None) -> Member:
    return Member(name, lambda seed: FakeSubject(seed, cost), {BLOCK: "case"}, loops)


def steady_cost(level: float, noise: float) -> Cost:
    return lambda draw, case: level * draw.lognormvariate(0, noise)


@pytest.fixture(autouse=True)
def no_process_is_left_over():
    FakeSubject.alive.clear()
    yield
    assert FakeSubject.alive == []


def test_every_member_gets_one_turn_a_round_in_an_order_that_the_seed_fixes():
    def run(seed: int) -> list[tuple[str, str]]:
        members = [member(name, steady_cost(1e6, 0.01), 1) for name in "abc"]
        with closing(groups(members, Pace(rounds=20), seed=seed)) as stream:
            return next(stream).order

    order = run(1)
    rounds = [tuple(order[i : i + 3]) for i in range(0, len(order), 3)]
    assert len(rounds) == 20
    assert all(sorted(name for name, _ in r) == ["a", "b", "c"] for r in rounds)
    assert len(set(rounds)) > 3
    assert run(1) == order != run(2)


def test_turns_of_one_block_stay_together():
    cases = {"x": "case", "y": "case"}
    members = [
        Member(n, lambda s: FakeSubject(s, steady_cost(1e6, 0)), cases, 1) for n in "ab"
    ]
    with closing(groups(members, Pace(rounds=10), seed=3)) as stream:
        blocks = [block for _, block in next(stream).order]
    assert all(blocks[i] == blocks[i + 1] for i in range(0, len(blocks), 2))


def test_loops_fill_a_turn_and_the_same_case_gets_the_same_loops():
    slow_second = iter([2e3, 4e3])
    members = [
        Member(
            name,
            lambda seed: FakeSubject(seed, steady_cost(next(slow_second, 2e3), 0)),
            {BLOCK: "case"},
        )
        for name in ("reference", "control")
    ]
    with closing(groups(members, Pace(rounds=5), seed=1)) as stream:
        group = next(stream)
    assert group.loops["reference", BLOCK] == group.loops["control", BLOCK]
    assert group.loops["reference", BLOCK] == pytest.approx(TURN_NS / 2e3, rel=0.05)


def test_a_process_that_never_settles_is_named():
    calls = itertools.count()
    members = [member("restless", lambda draw, case: 1e9 * 0.97 ** next(calls), 1)]
    with closing(groups(members, Pace(rounds=3), seed=1)) as stream:
        assert next(stream).unsteady == [("restless", BLOCK)]


def test_long_cases_end_by_time_but_not_before_the_least_number_of_rounds():
    members = [member("long", steady_cost(1e9, 0), 1)]
    pace = Pace(rounds=50, seconds=0.0, warm_seconds=0.0)
    with closing(groups(members, pace, seed=1)) as stream:
        assert len(next(stream).cpu("long", BLOCK)) == MIN_ROUNDS


def drifting(effect: float) -> Cost:
    """A machine whose speed wanders: what defeats comparing one after the other."""

    def cost(draw: random.Random, case: str) -> float:
        return 1.5e6 * effect * draw.lognormvariate(0, 0.05)

    return cost


def layout(effect: float, spread: float = 0.01):
    """Subjects whose process has a fixed offset, as memory layout gives it."""

    def start(seed: int) -> FakeSubject:
        offset = random.Random(f"{seed}{effect}{len(FakeSubject.alive)}").gauss(
            0, spread
        )
        return FakeSubject(seed, drifting(effect * (1 + offset)))

    return start


def test_false_positives_and_power_are_what_they_should_be():
    budget = Budget(seconds=1e9, target_width=0.03, rounds=15, min_groups=8)
    false = found = 0
    trials = 200
    for seed in range(trials):
        members = [
            Member("a", layout(1.0), {BLOCK: "case"}, 1),
            Member("b", layout(1.04), {BLOCK: "case"}, 1),
        ]
        result = compare(members, budget, seed=seed)
        false += not result.control_holds
        found += result.ratios["b"].low > 1
        assert result.stopped_by == "precision"
    # Deterministic by seed; the 99 % quantile of a binomial with 5 % of 200 is 18.
    assert false <= 18
    assert found / trials > 0.9


def test_the_time_limit_is_a_promise():
    budget = Budget(seconds=0.0, target_width=1e-9, rounds=3, min_groups=4)
    members = [member("a", drifting(1.0), 1), member("b", drifting(1.0), 1)]
    result = compare(members, budget, seed=1)
    assert (len(result.groups), result.stopped_by) == (4, "time")


def test_cold_rounds_never_use_a_process_twice():
    started: list[FakeSubject] = []

    def start(seed: int) -> FakeSubject:
        started.append(FakeSubject(seed, steady_cost(1e6, 0.1)))
        return started[-1]

    members = [Member(name, start, {"x": "x", "y": "y"}, 1) for name in ("a", "b")]
    with closing(cold_rounds(members, seed=1)) as stream:
        rounds = list(islice(stream, 3))
    assert all(len(subject.asked) <= 1 for subject in started)
    assert sum(len(subject.asked) for subject in started) == 12
    assert len({subject.seed for subject in started}) == len(started)
    assert {key for key, _ in rounds[0].turns.items()} == set(rounds[1].order)


def test_one_reading_near_zero_does_not_ask_for_millions_of_loops():
    readings = iter([TURN_NS / 3, TURN_NS * 0.6, 1.0, TURN_NS * 0.6, TURN_NS * 0.6])

    class Subject(FakeSubject):
        def turn(self, case: str, n: int = 1) -> Turn:
            return Turn(case, n, int(next(readings)), 1, None, None)

    subject = Subject(1, lambda draw, case: 1.0)
    assert calibrate(subject, "case") == 4
    subject.close()
