"""Old and new in turns: real processes of two checkouts, and the gate on itself."""

from __future__ import annotations

import json
import random

import pytest
from compare_support import ask, made, whole
from fake_subject import FakeSubject

from bench.measure import checkouts, gatetest
from bench.measure.compare import Budget
from bench.measure.turns import Pace
from bench.store import Run
from bench.verdict import gate
from bench.verdict._budgets import Budget as Allowed

SUBJECT = """
def setup(parameters):
    def work(n):
        for _ in range(n):
            sum(range({size}))
    return {{"{case}": work}}
"""


@pytest.fixture
def checkout(tmp_path):
    def make(name, size=2000, case="sum"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "hot.py").write_text(SUBJECT.format(size=size, case=case))
        return folder

    return make


@pytest.fixture
def short(monkeypatch):
    size = checkouts.Size(Budget(4.0, 0.05, min_groups=3), Pace(rounds=12))
    monkeypatch.setitem(checkouts.SIZES, "quick", size)


def test_a_checkout_that_does_ten_times_the_work_fails(checkout, short, tmp_path):
    old, new, out = checkout("old"), checkout("new", 20000), tmp_path / "run"
    asked = ("gate", "--turns", "hot:setup", "--old", old, "--new", new)
    code, shown, err = ask(*asked, "--out", out, "--json", "--quiet")
    document = json.loads(shown)
    [row] = document["rows"]
    assert row["cell"] == "cpython/warm/turns/sum/candidate//cpu"
    assert row["paired"]
    assert row["low"] > 2
    # Where the machine is in use its control may be off, and then it cannot tell.
    assert code == (6 if "control" in row["why"] else 5), err
    run = Run.open(out)
    assert run.sealed
    assert set(run.samples()["variant"]) == {"baseline", "candidate", "control"}
    # The same run, judged again by another budget.
    budgets = tmp_path / "bench.toml"
    budgets.write_text("[[budget]]\nvariant = 'candidate'\nlimit_ms = 1000")
    assert ask("gate", out, "--budgets", budgets)[0] == 0


@pytest.mark.parametrize(
    ("subject", "new", "word"),
    [
        ("hot:setup", "nowhere", "is not a folder"),
        ("hot:nosuch", "new", "nosuch"),
        ("cold:setup", "new", "cold"),
        ("json:loads", "new", "not from"),
        ("hot:setup", "unlike", "has the cases sum in the old checkout"),
    ],
)
def test_what_cannot_take_turns_is_refused_before_a_run_is_made(
    checkout,
    tmp_path,
    subject,
    new,
    word,
):
    old = checkout("old")
    checkout("new")
    checkout("unlike", case="product")
    out = tmp_path / "run"
    asked = ("--turns", subject, "--old", old, "--new", tmp_path / new, "--out", out)
    code, shown, err = ask("gate", *asked, "--quiet")
    assert (code, shown) == (2, "")
    assert word in err
    assert "remedy: " in err
    assert not out.exists()


def subjects(monkeypatch, spread):
    """Measured processes without a process, on a machine that drifts."""

    def starter(_subject, parameters):
        def cost(draw: random.Random, _case: str) -> float:
            return 3e4 * (1 + parameters["extra"]) * draw.lognormvariate(0, spread)

        return lambda seed: FakeSubject(seed, cost)

    monkeypatch.setattr(gatetest, "starter", starter)


def test_the_gate_on_itself_fails_on_five_per_cent_and_passes_on_none(
    monkeypatch,
    tmp_path,
):
    subjects(monkeypatch, 0.01)
    out = tmp_path / "run"
    code, shown, err = ask("gate", "--selftest", "--out", out, "--json", "--quiet")
    assert code == 0, err
    document = json.loads(shown)
    assert document["trials"] == {"same": {"pass": 20}, "slower": {"fail": 20}}
    ratios = [row["ratio"] for row in document["rows"] if row["variant"] == "slower"]
    assert min(ratios) > gatetest.LIMIT
    lines = gatetest.lines(document["rows"])
    assert "20 pass" in lines[1]
    assert "20 fail" in lines[2]


def test_on_a_machine_that_is_too_noisy_it_cannot_tell(monkeypatch, tmp_path):
    subjects(monkeypatch, 0.4)
    monkeypatch.setattr(gatetest, "_SECONDS", 0.0)
    with Run.create(
        tmp_path / "run", argv=[], seed=1, profile="quick", parameters={}, fixtures={}
    ) as run:
        progress = type("Quiet", (), {"step": lambda self, label: None})()
        gatetest.measure(run, seed=1, progress=progress, trials=4)
        run.seal()
    budgets = [
        Allowed(variant=name, against="baseline", ratio=gatetest.LIMIT)
        for name in ("same", "slower")
    ]
    found = gatetest.counted(gate.document(run, budgets)["rows"])
    assert found["same"].get("fail", 0) == 0
    assert found["same"]["could not tell"] + found["slower"]["could not tell"] > 4


def test_a_run_without_turns_has_nothing_to_be_held_against(tmp_path):
    run = made(tmp_path / "run", whole(1.0))
    assert gatetest.counted([]) == {"same": {}, "slower": {}}
    assert "unknown" in gatetest.lines([])[-1]
    assert gate.document(run, [Allowed(limit_ms=9.0)])["verdict"] == "pass"
