"""The gate: budgets that are checked, three outcomes, and their exit codes."""

from __future__ import annotations

import json
import math
import random

import pytest
from compare_support import WHOLE, ask, groups, made, rows, whole
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import NotComparableError, UserError
from bench.verdict import _budgets, gate
from bench.verdict._budgets import Budget
from bench.verdict.gate import FAIL, PASS, UNKNOWN


def written(folder, text, name="bench.toml"):
    path = folder / name
    path.write_text(text)
    return path


GOOD = """
[[budget]]
name = "chat fits"
runtime = "workerd"
stage = "wh*"
limit_ms = 5

[[budget]]
ratio = 1.05
confidence = 0.99
metric = "cpu"
"""


def test_budgets_are_read_with_their_defaults(tmp_path):
    first, second = _budgets.read(written(tmp_path, GOOD))
    assert first == Budget(
        name="chat fits", runtime="workerd", stage="wh*", limit_ms=5.0
    )
    assert (first.variant, first.metric, first.confidence) == ("*", "charged", 0.95)
    assert second.needs_baseline
    assert not first.needs_baseline


BAD = {
    "not TOML": ("[[budget]", "", "is not TOML"),
    "nothing": ("# no budget\n", "budget", "missing required field `budget`"),
    "no budget": ("budget = []", "budget", "is empty"),
    "unknown": ("[[budget]]\nlimit = 5", "budget[0]", "unknown field `limit`"),
    "second": (
        "[[budget]]\nlimit_ms = 1\n[[budget]]\nlimit_ms = 'x'",
        "budget[1].limit_ms",
        "Expected `float | null`, got `str`",
    ),
    "beside": ("[other]\n[[budget]]\nlimit_ms = 1", "budget", "field `other`"),
    "none": ("[[budget]]\nstage = 'x'", "budget[0].limit_ms", "needs one of"),
    "both": ("[[budget]]\nlimit_ms = 1\nratio = 1", "budget[0].limit_ms", "not both"),
    "zero": ("[[budget]]\nlimit_ms = 0", "budget[0].limit_ms", "0.0 is no limit"),
    "nan": ("[[budget]]\nratio = nan", "budget[0].ratio", "nan is no limit"),
    "inf": ("[[budget]]\nratio = inf", "budget[0].ratio", "inf is no limit"),
    "bool": ("[[budget]]\nratio = true", "budget[0].ratio", "Expected"),
    "metric": ("[[budget]]\nmetric = 'wall'\nratio = 1", "budget[0].metric", "wall"),
    "sure": (
        "[[budget]]\nratio = 1\nconfidence = 95",
        "budget[0].confidence",
        "not between",
    ),
    "against": (
        "[[budget]]\nlimit_ms = 1\nagainst = 'baseline'",
        "budget[0].against",
        "for a ratio",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_budget_is_refused_by_file_field_and_remedy(tmp_path, case):
    text, field, message = BAD[case]
    path = written(tmp_path, text)
    with pytest.raises(UserError) as caught:
        _budgets.read(path)
    error = caught.value
    assert (error.file, error.field or "") == (str(path), field)
    assert message in error.message
    assert error.remedy


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        _budgets.read(tmp_path / "no.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="is not TOML"):
        _budgets.read(tmp_path / "bytes.toml")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "bench.toml"
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(UserError):
        _budgets.read(path)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A request of 5 ms of CPU, 4 of them under the lock, that is known to 0.5 %."""
    folder = tmp_path_factory.mktemp("gate") / "run"
    locked = list(rows(WHOLE, groups(4.0), metric="locked"))
    floor = list(rows(WHOLE | {"stage": "floor"}, groups(1.0)))
    return made(folder, whole(5.0), locked, floor)


def verdicts(document):
    return [row["verdict"] for row in document["rows"]]


@pytest.mark.parametrize(
    ("limit", "metric", "verdict"),
    [
        (4.2, "charged", PASS), (3.8, "charged", FAIL), (4.0, "charged", UNKNOWN),
        (4.2, "cpu", FAIL), (5.3, "cpu", PASS), (4.2, "locked", PASS),
    ],
)  # fmt: skip
def test_a_limit_is_held_against_the_whole_interval(run, limit, metric, verdict):
    budget = Budget(stage="whole", metric=metric, limit_ms=limit)
    document = gate.document(run, [budget])
    [row] = document["rows"]
    assert row["verdict"] == document["verdict"] == verdict
    assert row["metric"] == ("cpu" if metric == "cpu" else "locked")
    assert (row["ratio"], row["unit"]) == (None, "ms")
    assert row["low"] < row["value_ms"] < row["high"]


def test_what_is_charged_is_cpu_where_there_is_no_time_under_the_lock(run):
    [row] = gate.document(run, [Budget(stage="floor", limit_ms=2.0)])["rows"]
    assert (row["metric"], row["verdict"]) == ("cpu", PASS)


def test_more_confidence_is_asked_for_by_the_budget(run):
    def width(confidence):
        budget = Budget(stage="whole", limit_ms=4.0, confidence=confidence)
        [row] = gate.document(run, [budget])["rows"]
        return row["high"] - row["low"]

    assert width(0.8) < width(0.95) < width(0.999)


def test_a_fail_wins_over_what_could_not_be_told_and_that_over_a_pass(run):
    limits = {FAIL: 3.0, UNKNOWN: 4.0, PASS: 9.0}
    budgets = {
        name: Budget(stage="whole", limit_ms=limit) for name, limit in limits.items()
    }
    every = gate.document(run, list(budgets.values()))
    assert every["verdict"] == FAIL
    assert every["counts"] == {FAIL: 1, UNKNOWN: 1, PASS: 1}
    assert gate.document(run, [budgets[PASS], budgets[UNKNOWN]])["verdict"] == UNKNOWN


def test_a_budget_that_means_nothing_is_no_silent_pass(run, tmp_path):
    for budget in (
        Budget(stage="nosuch", limit_ms=1.0),
        Budget(stage="floor", metric="locked", limit_ms=1.0),
        Budget(stage="whole", ratio=1.0, against="nosuch"),
    ):
        with pytest.raises(UserError, match="means no cell") as caught:
            gate.document(run, [Budget(limit_ms=9.0), budget], file=tmp_path / "x")
        assert caught.value.field == "budget[1]"
        assert caught.value.file == str(tmp_path / "x")


def test_a_ratio_to_another_run_is_wide_and_a_wrong_fail_is_none(run, tmp_path):
    budgets = [Budget(stage="whole", metric="cpu", ratio=1.05)]
    found = {}
    for level in (1.0, 1.05, 1.2):
        other = made(tmp_path / str(level), whole(5.0 * level, seed=2), seed=2)
        found[level] = gate.document(other, budgets, run)
    assert {level: verdicts(each)[0] for level, each in found.items()} == {
        1.0: PASS, 1.05: UNKNOWN, 1.2: FAIL,
    }  # fmt: skip
    moved = made(tmp_path / "moved", whole(5.0, seed=2), sentinel=1.1)
    assert verdicts(gate.document(moved, budgets, run)) == [PASS]
    busy = made(tmp_path / "busy", whole(5.7, seed=2), waited=1.0)
    calm = made(tmp_path / "calm", whole(5.0), waited=0.0)
    assert verdicts(gate.document(busy, budgets, calm)) == [UNKNOWN]
    slow = made(tmp_path / "slow", whole(5.5, seed=2), sentinel=1.1)
    assert verdicts(gate.document(slow, budgets, run)) == [UNKNOWN]


def test_a_ratio_needs_a_baseline_that_is_alike(run, tmp_path):
    budgets = [Budget(ratio=1.05)]
    with pytest.raises(UserError, match="is missing") as caught:
        gate.document(run, budgets)
    assert caught.value.field == "--baseline"
    other = made(tmp_path / "x", whole(5.0), facts_of={"cpu": "another"})
    with pytest.raises(NotComparableError, match="CPU model"):
        gate.document(run, budgets, other)
    forced = gate.document(run, budgets, other, force=True)
    assert forced["reasons"]
    # The baseline has no floor, and no time under the lock.
    lacking = [row for row in forced["rows"] if row["why"].startswith("the baseline")]
    assert {row["verdict"] for row in lacking} == {UNKNOWN}
    limits = gate.document(run, [Budget(limit_ms=99.0)], other)
    assert limits["reasons"] == [], "a limit is about one run"


def paired(folder, effect, control=1.0, drift=0.1, seed=1):
    """Turns of old and new on a machine that drifts by far more than the effect."""
    draw = random.Random(seed)
    costs = {"baseline": 1.0, "candidate": effect, "control": control}
    turns = {name: [] for name in costs}
    for _ in range(8):
        speed = math.exp(draw.gauss(0, drift))
        now = [speed * math.exp(draw.gauss(0, drift)) for _ in range(20)]
        for name, cost in costs.items():
            turns[name].append([cost * s * draw.lognormvariate(0, 0.005) for s in now])
    place = WHOLE | {"runtime": "cpython", "invocation": "turns", "stage": "loads"}
    return made(
        folder,
        *(list(rows(place | {"variant": v}, turns[v], unit="us")) for v in turns),
        sentinel=None,
    )


TURNS = Budget(invocation="turns", variant="candidate", against="baseline", ratio=1.02)


@pytest.mark.parametrize(
    ("effect", "verdict"), [(1.0, PASS), (1.05, FAIL), (1.02, UNKNOWN)]
)
def test_turns_tell_what_two_runs_cannot(tmp_path, effect, verdict):
    run = paired(tmp_path / "run", effect)
    [row] = gate.document(run, [TURNS])["rows"]
    assert row["verdict"] == verdict
    assert row["paired"]
    assert row["ratio"] == pytest.approx(effect, abs=0.005)
    assert row["high"] / row["low"] < 1.01
    later = paired(tmp_path / "later", 1.0, seed=2)
    apart = [Budget(variant="candidate", ratio=1.02)]
    assert verdicts(gate.document(run, apart, later)) == [UNKNOWN]


def test_a_control_that_is_off_makes_it_impossible_to_tell(tmp_path):
    run = paired(tmp_path / "run", 1.05, control=1.03)
    [row] = gate.document(run, [TURNS])["rows"]
    assert row["verdict"] == UNKNOWN
    assert "control differs from 1" in row["why"]


CASES = {
    0: "[[budget]]\nlimit_ms = 9.0",
    5: "[[budget]]\nlimit_ms = 9.0\n[[budget]]\nstage = 'whole'\nlimit_ms = 4.0\n"
    "[[budget]]\nstage = 'whole'\nlimit_ms = 3.0",
    6: "[[budget]]\nlimit_ms = 9.0\n[[budget]]\nstage = 'whole'\nlimit_ms = 4.0",
    2: "[[budget]]\nstage = 'nosuch'\nlimit_ms = 9.0",
}


@pytest.mark.parametrize("wanted", CASES)
def test_exit_codes(run, tmp_path, wanted):
    path = written(tmp_path, CASES[wanted])
    code, out, err = ask("gate", run.path, "--budgets", path)
    assert code == wanted
    if wanted == 2:
        assert f"{path}: budget[0]" in err
        return
    assert "transfer factor to Cloudflare's, 0.5 to 2, is not applied" in " ".join(
        out.split()
    )
    code, out, _ = ask("gate", run.path, "--budgets", path, "--json")
    document = json.loads(out)
    assert code == wanted
    assert document["verdict"] == {0: PASS, 5: FAIL, 6: UNKNOWN}[wanted]
    assert {"cell", "ratio", "low", "high", "verdict"} <= document["rows"][0].keys()
    kept = tmp_path / "gate.json"
    ask("gate", run.path, "--budgets", path, "--out", kept)
    assert json.loads(kept.read_bytes()) == document


def test_the_default_file_is_in_the_working_folder(
    run,
    tmp_path,
    monkeypatch,
):
    monkeypatch.chdir(tmp_path)
    code, _, err = ask("gate", run.path)
    assert code == 2
    assert "bench.toml" in err
    written(tmp_path, CASES[0])
    assert ask("gate", run.path)[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("x", "--selftest"), ("--turns", "a:b"), ("x", "--old", "y"),
        ("--turns", "a:b", "--old", "x", "--baseline", "y"),
    ],
)  # fmt: skip
def test_one_thing_is_judged_at_a_time(arguments):
    code, out, err = ask("gate", *arguments)
    assert (code, out) == (2, "")
    assert "remedy: " in err


def test_the_refusal_of_a_baseline_ends_with_three(run, tmp_path):
    path = written(tmp_path, "[[budget]]\nratio = 1.05")
    other = made(tmp_path / "x", whole(5.0), facts_of={"cpu": "another"}).path
    asked = ("gate", run.path, "--budgets", path, "--baseline", other)
    assert ask(*asked)[0] == 3
    code, out, _ = ask(*asked, "--force")
    assert code == 6
    assert "Forced" in out
    assert "measured at another time" in " ".join(out.split())
