"""Two runs: estimates over groups, what the machine did, and how often it is wrong."""

from __future__ import annotations

import math
import random
from statistics import fmean

import pytest
from compare_support import GROUPS, SENTINEL, WHOLE, groups, made, rows, whole
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from bench.errors import UserError
from bench.verdict import _cells, compare
from bench.verdict._cells import Cell, Group
from bench.verdict._welch import UNSEEN, between, holm, welch
from bench.verdict.compare import FASTER, INCONCLUSIVE, SAME, SLOWER, Rules

NAME = "workerd/warm/chat/whole/plain/transcript.json/cpu"
logs = st.lists(st.floats(-3, 3), min_size=2, max_size=12)


def cell(values, sentinels=None):
    beside = sentinels or [None] * len(values)
    found = {
        ("x", place): Group(value, (value,), fixed)
        for place, (value, fixed) in enumerate(zip(values, beside, strict=True))
    }
    return Cell(WHOLE | {"metric": "cpu"}, found)


def only(document, name=NAME):
    [row] = [row for row in document["rows"] if row["cell"] == name]
    return row


def test_a_cell_has_one_estimate_of_each_group_in_ms(tmp_path):
    place = WHOLE | {"stage": "json", "runtime": "cpython"}
    run = made(
        tmp_path / "run",
        list(rows(place, [[1000, 1000, 9000], [3000, 3000, 3000]], unit="us")),
        list(rows(WHOLE, [[1.0]], metric="wall")),
        list(rows(WHOLE | {"variant": "profile"}, [[1.0]])),
        sentinel=None,
    )
    [found] = _cells.read(run.samples()).values()
    assert found.id == "cpython/warm/chat/json/plain/transcript.json/cpu"
    # Of three turns none is outside of the central 80 %.
    assert found.values == pytest.approx([11 / 3, 3.0])
    assert [group.turns for group in found.groups.values()] == [
        (1.0, 1.0, 9.0),
        (3.0, 3.0, 3.0),
    ]
    assert found.sentinels is None


def test_a_stage_of_workerd_is_the_difference_of_two_requests(tmp_path):
    def ended(stage, cpu, locked):
        place = WHOLE | {"stage": stage, "variant": "metered"}
        yield from rows(place, [[cpu], [cpu * 2]], metric="upto")
        yield from rows(place, [[locked], [locked * 2]], metric="upto_locked")

    stages = [("nothing", 0.2, 0.1), ("auth", 0.5, 0.3), ("rerank", 0.4, 0.35)]
    run = made(tmp_path / "run", *(list(ended(*stage)) for stage in stages))
    found = _cells.read(run.samples())
    costs = {name.split("/", 3)[3]: each.values for name, each in found.items()}
    assert costs == {
        "auth/metered/transcript.json/cpu": pytest.approx([0.3, 0.6]),
        "auth/metered/transcript.json/locked": pytest.approx([0.2, 0.4]),
        "rerank/metered/transcript.json/cpu": pytest.approx([-0.1, -0.2]),
        "rerank/metered/transcript.json/locked": pytest.approx([0.05, 0.1]),
        "whole/plain/transcript.json/locked": pytest.approx([0.35, 0.7]),
    }
    same = made(tmp_path / "again", *(list(ended(*stage)) for stage in stages))
    row = only(
        compare.document(run, same),
        "workerd/warm/chat/rerank/metered/transcript.json/cpu",
    )
    assert (row["ratio"], row["verdict"]) == (None, INCONCLUSIVE)
    assert "not above zero" in row["why"]


@pytest.mark.parametrize(
    ("level", "verdict"), [(1.0, SAME), (1.08, SLOWER), (0.93, FASTER), (1.012, None)]
)
def test_the_verdict_follows_the_interval(tmp_path, level, verdict):
    a = made(tmp_path / "a", whole(5.0))
    b = made(tmp_path / "b", whole(5.0 * level, seed=2), seed=2)
    row = only(compare.document(a, b))
    assert row["ratio"] == pytest.approx(level, abs=0.01)
    assert row["low"] < row["ratio"] < row["high"]
    assert (row["n_a"], row["n_b"]) == (GROUPS, GROUPS)
    if verdict is None:
        # Neither is it within half a per cent, nor is it surely anything else.
        tight = only(compare.document(a, b, Rules(within=0.005)))
        assert tight["verdict"] in {INCONCLUSIVE, SLOWER}
        assert only(compare.document(a, b, Rules(within=0.05)))["verdict"] == SAME
    else:
        assert row["verdict"] == verdict
        assert row["why"] == ""


@pytest.mark.parametrize("level", [1.0, 1.1])
def test_a_machine_that_changed_makes_no_code_slower(tmp_path, level):
    """The sentinel moved by 10 %: with the cost, or while the cost did not."""
    a = made(tmp_path / "a", whole(5.0))
    b = made(tmp_path / "b", whole(5.0 * level, seed=2), sentinel=1.1)
    row = only(compare.document(a, b))
    assert row["verdict"] == INCONCLUSIVE
    assert "the machine changed: its sentinel by +" in row["why"]
    assert row["sentinel"]["ratio"] == pytest.approx(1.1, abs=0.01)
    # The interval holds what the code would be if all or nothing of it was shared.
    assert row["low"] < level / 1.1 + 0.01
    assert row["high"] > level - 0.01
    slower = made(tmp_path / "c", whole(5.0 * 1.4, seed=2), sentinel=1.1)
    assert only(compare.document(a, slower))["verdict"] == SLOWER


def test_without_a_sentinel_the_interval_is_wider_and_it_is_said(tmp_path):
    a = made(tmp_path / "a", whole(5.0), sentinel=None)
    documents = {
        level: compare.document(
            a, made(tmp_path / str(level), whole(5.0 * level, seed=2), sentinel=None)
        )
        for level in (1.0, 1.1, 1.5)
    }
    found = {level: only(document) for level, document in documents.items()}
    assert found[1.0]["high"] > 1 + UNSEEN > 1 / found[1.0]["low"] - 0.02
    assert found[1.0]["verdict"] == found[1.1]["verdict"] == INCONCLUSIVE
    assert "no sentinel" in found[1.1]["why"]
    assert found[1.5]["verdict"] == SLOWER
    assert documents[1.0]["rules"]["unseen"] == UNSEEN
    assert "without a sentinel" in documents[1.0]["notes"][-1]
    given = compare.document(a, a, Rules(unseen=0.0), force=True)
    assert only(given)["verdict"] == SAME


def test_a_core_that_was_shared_makes_no_code_slower(tmp_path):
    """What no sentinel of arithmetic feels: caches that are cold after each wait."""
    a = made(tmp_path / "a", whole(5.0), waited=0.4)
    busy = made(tmp_path / "busy", whole(5.7, seed=2), waited=1.4)
    row = only(compare.document(a, busy))
    assert row["verdict"] == INCONCLUSIVE
    assert "waited longer for their core" in row["why"]
    assert row["waited_a"] == pytest.approx(0.4, rel=0.02)
    assert row["waited_b"] == pytest.approx(1.4 * 5 / 5.7, rel=0.02)
    assert only(compare.document(a, busy, Rules(waiting=0.0)))["verdict"] == SLOWER
    alike = made(tmp_path / "alike", whole(5.7, seed=2), waited=0.4 * 5.7 / 5)
    assert only(compare.document(a, alike))["verdict"] == SLOWER
    assert only(compare.document(busy, a))["verdict"] == INCONCLUSIVE


def test_cells_of_one_run_alone_are_named(tmp_path):
    other = list(rows(WHOLE | {"stage": "floor"}, groups(1.0)))
    control = list(rows(WHOLE | {"variant": "control"}, groups(5.0)))
    a = made(tmp_path / "a", whole(5.0), other, control)
    b = made(tmp_path / "b", whole(5.0, seed=2))
    document = compare.document(a, b)
    name = "workerd/warm/chat/floor/plain/transcript.json/cpu"
    assert document["missing"] == [{"cell": name, "in": "a"}]
    assert compare.document(b, a)["missing"] == [{"cell": name, "in": "b"}]
    assert [row["cell"] for row in document["rows"]] == [NAME]
    with pytest.raises(UserError, match="no cell that matches 'floor'"):
        compare.document(a, b, pattern="floor")
    assert compare.document(a, b, pattern="*whole*")["rows"] == document["rows"]


def test_one_group_tells_nothing(tmp_path):
    a = made(tmp_path / "a", list(rows(WHOLE, [[5.0, 5.0]])))
    b = made(tmp_path / "b", list(rows(WHOLE, [[50.0, 50.0]])))
    row = only(compare.document(a, b))
    assert (row["verdict"], row["p"], row["low"]) == (INCONCLUSIVE, 1.0, 0.0)
    assert "one process group" in row["why"]


@given(logs, logs, st.floats(0.6, 0.999))
def test_without_slack_it_is_welch_s_test(a, b, confidence):
    assume(max(a) - min(a) > 1e-3 and max(b) - min(b) > 1e-3)
    found, p = welch(a, b, confidence)
    known = ttest_ind(b, a, equal_var=False)
    low, high = known.confidence_interval(confidence)
    assert p == pytest.approx(known.pvalue, abs=1e-9)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


@given(logs, logs, st.floats(0, 2))
def test_both_directions_say_the_same_and_slack_only_widens(a, b, slack):
    there, p = welch(a, b, 0.95, slack)
    back, again = welch(b, a, 0.95, slack)
    assert p == pytest.approx(again)
    assert there.low == pytest.approx(-back.high, abs=1e-9)
    strict, smaller = welch(a, b, 0.95)
    assert there.low <= strict.low <= strict.high <= there.high
    assert p >= smaller - 1e-12


def test_equal_values_are_the_same_and_unequal_ones_are_not():
    assert welch([1.0, 1.0], [1.0, 1.0], 0.95)[1] == 1.0
    assert welch([1.0, 1.0], [2.0, 2.0], 0.95)[1] == 0.0


def test_holm_is_the_example_of_every_text():
    found = holm([0.01, 0.04, 0.03, 0.005])
    assert found == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_keeps_the_order_and_lies_between_the_p_and_bonferroni(ps):
    found = holm(ps)
    assert all(
        p <= c <= min(1.0, p * len(ps)) + 1e-12 for p, c in zip(ps, found, strict=True)
    )
    order = sorted(range(len(ps)), key=ps.__getitem__)
    assert [found[i] for i in order] == sorted(found)


def drawn(draw, level, moment, share):
    """A cell of eight groups; the machine's moment is in its sentinel wholly."""
    values, fixed = [], []
    for _ in range(8):
        now = moment + draw.gauss(0, 0.02)
        values.append(level * math.exp(share * now + draw.gauss(0, 0.01)))
        fixed.append(math.exp(now + draw.gauss(0, 0.003)))
    return cell(values, fixed)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_identical_code_is_rarely_called_different_however_the_machine_moves(share):
    draw, trials = random.Random(1), 200
    false = naive = 0
    for _ in range(trials):
        a, b = (drawn(draw, 1.0, draw.gauss(0, 0.08), share) for _ in range(2))
        false += between(a, b).p < 0.05
        blind = [[math.log(v) for v in each.values] for each in (a, b)]
        _, p = welch(blind[0], blind[1], 0.95)
        naive += p < 0.05
    # The 99.9 % quantile of a binomial with 5 % of 200 is 20.
    assert false <= 20
    if share:
        assert naive / trials > 0.3, "without the sentinel it would be"


def test_on_a_still_machine_five_per_cent_are_found():
    draw = random.Random(1)
    found = [between(drawn(draw, 1, 0, 1), drawn(draw, 1.05, 0, 1)) for _ in range(200)]
    assert fmean(ratio.p < 0.05 for ratio in found) > 0.85
    covered = fmean(not ratio.interval.excludes(1.05) for ratio in found)
    assert covered >= 0.95


def test_opposite_opinions_are_none():
    a = cell([1.0, 1.001, 0.999], [1.0, 1.001, 0.999])
    b = cell([1.05, 1.051, 1.049], [1.2, 1.201, 1.199])
    ratio = between(a, b)
    assert ratio.p == 1.0
    assert ratio.interval.low < 0.9
    assert ratio.interval.high > 1.04


def test_many_equal_cells_make_no_false_alarm(tmp_path):
    def cells(seed):
        for number in range(60):
            place = WHOLE | {"stage": f"stage {number}"}
            yield list(rows(place, groups(1.0, noise=0.02, seed=f"{seed}{number}")))

    a = made(tmp_path / "a", *cells(1), seed=1)
    b = made(tmp_path / "b", *cells(2), seed=2)
    document = compare.document(a, b)
    assert len(document["rows"]) == 60
    assert document["counts"][SLOWER] == document["counts"][FASTER] == 0
    assert any(row["p"] < 0.05 for row in document["rows"]), "one alone would be"
    assert document["rules"]["correction"] == "Holm, over 60 cells"


def test_the_sentinel_counts_only_where_it_was_timed_with_every_group(tmp_path):
    run = made(tmp_path / "run", whole(5.0, count=GROUPS + 1))
    [found] = _cells.read(run.samples()).values()
    assert found.sentinels is None
    assert sum(group.sentinel is None for group in found.groups.values()) == 1
    assert SENTINEL["stage"] not in found.id
