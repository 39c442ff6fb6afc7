"""Many questions in one group of processes: what is kept, resumed and concluded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_subject import FakeSubject

from bench.measure.compare import CONTROL, Budget
from bench.measure.contest import ATTEMPTS, Contest, block, hold, read, width
from bench.measure.process import ChildError
from bench.measure.turns import Member, Pace
from bench.store import Run

PACE = Pace(rounds=6, seconds=30, warm_seconds=0)
FACTORS = {"base": 1.0, "half": 0.5, "slow": 3.0}
SMALL, LARGE = block("full", "small"), block("full", "large")


def member(name: str, cases: tuple[str, ...] = (SMALL, LARGE)) -> Member:
    def cost(draw, case) -> float:
        level = 2e5 if case == SMALL else 4e6
        return FACTORS[name] * level * draw.uniform(0.99, 1.01)

    return Member(name, lambda seed: FakeSubject(seed, cost), {c: c for c in cases})


def contest(min_groups: int, *members: Member, pace: Pace = PACE) -> Contest:
    budget = Budget(0, 1e-9, min_groups=min_groups)
    runtimes = {each.name: "cpython" for each in members}
    return Contest("test", members, "base", budget, pace, runtimes)


@pytest.fixture
def run(tmp_path):
    with Run.create(
        tmp_path / "run", argv=[], seed=1, profile="quick", parameters={}, fixtures={}
    ) as made:
        yield made


def measured(run, contest: Contest) -> list[int]:
    told: list[int] = []
    hold(contest, run, seed=1, on_group=lambda done, _: told.append(done))
    return told


def test_each_question_gets_its_own_ratios_and_control(run):
    everyone = [member("base"), member("half"), member("slow", (SMALL,))]
    measured(run, contest(4, *everyone))
    blocks = read(run.samples(), "test")
    assert set(blocks) == {("full", "small"), ("full", "large")}
    small, large = blocks["full", "small"], blocks["full", "large"]
    assert small.names == ["base", "half", "slow"]
    assert set(large.names) == {"base", "half"}
    for found in (small, large):
        assert found.ratio("half", "base").value == pytest.approx(0.5, rel=0.02)
        assert found.ratio(CONTROL, "base").value == pytest.approx(1, rel=0.02)
        assert found.ratio("half", "base").n == 4
    assert small.ratio("slow", "half").value == pytest.approx(6, rel=0.02)
    assert large.ratio("slow", "base") is None
    assert small.cost("slow").value == pytest.approx(600, rel=0.02)  # us
    assert width(blocks, "base") < 0.05
    assert FakeSubject.alive == []


def test_a_finished_group_is_kept_and_not_measured_again(run):
    everyone = [member("base"), member("half")]
    assert measured(run, contest(2, *everyone)) == [1, 2]
    assert measured(run, contest(5, *everyone)) == [3, 4, 5]
    assert measured(run, contest(5, *everyone)) == []
    found = read(run.samples(), "test")["full", "small"]
    assert len(found.turns["half"]) == 5
    assert run.samples()["process"].nunique() == 5


def test_another_contest_of_the_same_run_is_another_matter(run):
    measured(run, contest(2, member("base"), member("half")))
    assert read(run.samples(), "other") == {}


def test_parts_of_one_contest_have_groups_of_their_own(run):
    def part(label: str, where: str, least: int) -> Contest:
        members = [member(name, (where,)) for name in ("base", "half")]
        return replace(contest(least, *members), part=label)

    assert measured(run, part("", SMALL, 4)) == [1, 2, 3, 4]
    assert measured(run, part("wide", LARGE, 2)) == [1, 2]
    assert measured(run, part("wide", LARGE, 2)) == []
    assert measured(run, part("", SMALL, 5)) == [5]
    blocks = read(run.samples(), "test")
    assert len(blocks["full", "small"].turns["half"]) == 5
    assert len(blocks["full", "large"].turns["half"]) == 2
    assert blocks["full", "large"].ratio("half", "base").n == 2


def test_a_long_case_takes_no_more_turns_than_it_must(run):
    pace = Pace(rounds=6, seconds=30, warm_seconds=0, block_seconds=0.02, least=1)
    measured(run, contest(2, member("base"), member("half"), pace=pace))
    blocks = read(run.samples(), "test")
    # base, half and control take 2.5 turns of 4 ms together in a round of `large`.
    assert len(blocks["full", "large"].turns["base"][0]) == 2
    assert len(blocks["full", "small"].turns["base"][0]) > 3


def test_a_member_that_dies_leaves_what_was_finished(run):
    everyone = [member("base"), member("half")]
    measured(run, contest(2, *everyone))

    def dying(draw, case) -> float:
        raise ChildProcessError("gone")

    bad = Member("half", lambda seed: FakeSubject(seed, dying), {SMALL: SMALL})
    with pytest.raises(ChildProcessError):
        measured(run, contest(5, everyone[0], bad))
    assert FakeSubject.alive == []
    assert len(read(run.samples(), "test")["full", "small"].turns["half"]) == 2
    assert "gone" in run.errors()[0]["message"]


def mortal(dies: list[bool]) -> Member:
    """A member whose next process, by start, ends or not as ``dies`` says."""

    def start(seed: int) -> FakeSubject:
        ends = dies.pop(0) if dies else False

        def cost(draw, case) -> float:
            if ends:
                raise ChildError("the process ended")
            return 1e5

        return FakeSubject(seed, cost)

    return Member("half", start, {SMALL: SMALL})


def test_a_group_whose_process_ends_is_measured_again(run):
    told = measured(run, contest(4, member("base"), mortal([False, True, False, True])))
    assert told == [1, 2, 3, 4]
    assert len(read(run.samples(), "test")["full", "small"].turns["half"]) == 4
    assert run.errors() == []
    assert FakeSubject.alive == []


def test_what_was_measured_stands_where_no_other_group_can_be(run):
    dies = [False, False, *[True] * 3 * ATTEMPTS]
    endless = contest(2, member("base"), mortal(dies))
    object.__setattr__(endless, "budget", Budget(3600, 1e-9, min_groups=2))
    assert measured(run, endless)[-1] == 2
    assert len(read(run.samples(), "test")["full", "small"].turns["half"]) == 2
    assert {error["message"] for error in run.errors()} == {"the process ended"}


def test_too_few_groups_are_none(run):
    with pytest.raises(ChildError):
        measured(run, contest(2, member("base"), mortal([True] * 3 * ATTEMPTS)))
    assert FakeSubject.alive == []
