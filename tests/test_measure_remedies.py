"""How remedies are measured into a run: groups as cells, failures, time, documents."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from bench.errors import BenchError
from bench.measure import remedies
from bench.remedies import Conclusion, _numbers, row
from bench.remedies._text import WIDTH, text
from bench.store import Run
from bench.verbs.remedies import command

SIZE = remedies.Size(seconds=0, least=2, most=9)


class Heard:
    def __init__(self):
        self.said = []

    def step(self, label):
        self.said.append(label)


class Remedy(SimpleNamespace):
    """A module whose reading is its seed; it fails in the groups of ``bad``."""

    TITLE, QUESTION, RUNTIME = "A fix", "Does it work?", "cpython"

    def __init__(self, bad=(), control=1.0):
        super().__init__(bad=set(bad), seeds=[], control=control)

    def measure(self, ground, seed):
        self.seeds.append(seed)
        yield row("fixed", "plain", "cpu", seed, "ms")
        if seed in self.bad:
            raise BenchError(f"no answer to {seed}")

    def conclude(self, samples):
        found = _numbers.estimate(samples, "fixed", "plain", "cpu")
        control = {"ratio": self.control, "low": self.control, "high": self.control}
        numbers = [_numbers.number("cpu, fixed", found, "ms")]
        return Conclusion("It does. " * 20, numbers, control | {"n": found.n})


@pytest.fixture
def run(tmp_path):
    with Run.create(
        tmp_path / "run", argv=[], seed=1, profile="quick", parameters={}, fixtures={}
    ) as made:
        yield made


def go(run, modules, size=SIZE, progress=None):
    return remedies.measure(
        run,
        profile="quick",
        seed=10,
        progress=progress or Heard(),
        size=size,
        modules=modules,
    )


def test_remedies_take_turns_and_each_group_is_a_cell(run):
    modules, heard = {"one": Remedy(), "two": Remedy()}, Heard()
    document = go(run, modules, progress=heard)
    assert heard.said == [
        "one, group 1",
        "two, group 1",
        "one, group 2",
        "two, group 2",
    ]
    assert modules["one"].seeds == [10, 11]
    samples = run.samples()
    assert set(samples["invocation"]) == {remedies.INVOCATION}
    assert sorted(samples["stage"]) == ["one", "one", "two", "two"]
    assert sorted(set(samples["process"])) == [0, 1]
    (found,) = [one for one in document["rows"] if one["remedy"] == "one"]
    assert (found["value"], found["n"], found["unit"]) == (10.5, 2, "ms")
    assert found["low"] < 10.5 < found["high"]
    assert [one["n"] for one in document["remedies"]] == [2, 2]
    assert document["errors"] == []


def test_time_that_is_left_is_used_up_to_a_limit(run):
    modules = {"one": Remedy()}
    go(run, modules, remedies.Size(seconds=60, least=2, most=5))
    assert len(modules["one"].seeds) == 5


def test_a_remedy_that_fails_has_an_error_and_the_others_go_on(run):
    modules = {"bad": Remedy(bad=[10]), "good": Remedy()}
    document = go(run, modules)
    bad, good = document["remedies"]
    assert (bad["answer"], bad["numbers"], bad["n"]) == (None, [], 0)
    assert bad["error"] == "no answer to 10"
    assert (good["error"], good["n"]) == (None, 2)
    assert modules["bad"].seeds == [10]
    assert document["errors"] == ["no answer to 10"]
    assert {one["remedy"] for one in document["rows"]} == {"good"}


def test_what_was_measured_before_a_failure_counts(run):
    (found,) = go(run, {"bad": Remedy(bad=[11])})["remedies"]
    assert found["n"] == 1
    assert found["answer"] is not None
    assert found["error"] == "no answer to 11"


def test_an_interrupted_run_goes_on_with_the_groups_that_it_lacks(run):
    go(run, {"one": Remedy(bad=[11])})
    run.close()
    with Run.resume(run.path) as again:
        mended = Remedy()
        document = go(again, {"one": mended})
        assert mended.seeds == [11]
        assert document["errors"] == []
        assert document["remedies"][0]["n"] == 2


def test_the_document_comes_from_the_raw_samples_alone(run):
    modules = {"one": Remedy()}
    document = go(run, modules)
    run.seal()
    sealed = remedies.document(Run.open(run.path), modules)
    assert sealed == document


def test_a_control_that_is_off_is_said(run):
    modules = {"sound": Remedy(), "off": Remedy(control=1.2)}
    tables = go(run, modules)["tables"]
    assert {one["remedy"]: one["holds"] for one in tables} == {
        "sound": True,
        "off": False,
    }


def test_a_remedy_that_was_not_measured_says_so(run):
    (found,) = remedies.document(run, {"one": Remedy()})["remedies"]
    assert found["error"] == "was not measured"


def test_the_text_fits_a_terminal(run):
    said = text(go(run, {"one": Remedy(), "bad": Remedy(bad=[10])}))
    assert max(map(len, said.splitlines())) <= WIDTH
    for part in ("one: A fix", "Does it work?", "It does.", "10.5 ms", "no answer"):
        assert part in said


def test_the_verb_prints_one_document_and_keeps_it(tmp_path, monkeypatch):
    monkeypatch.setattr(remedies, "load", lambda: {"one": Remedy()})
    monkeypatch.setitem(remedies.SIZES, "quick", SIZE)
    out = tmp_path / "out"
    done = CliRunner().invoke(command, ["--json", "--quiet", "--out", str(out)])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert [one["remedy"] for one in document["remedies"]] == ["one"]
    assert json.loads((out / "remedies.json").read_bytes()) == document
    assert Run.open(out).sealed
