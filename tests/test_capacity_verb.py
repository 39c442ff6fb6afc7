"""`bench capacity` and its notebook: what they take, refuse, print and keep."""

from __future__ import annotations

import hashlib
import json

import pytest
from capacity_support import even, made, trace_of
from click.testing import CliRunner
from test_notebooks import BOOKS, execute

from bench import cli
from bench.errors import UserError
from bench.store import RUN_VARIABLE, list_runs
from bench.verdict import _capacity_traffic as traffic


@pytest.fixture(scope="module", autouse=True)
def small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traffic, "REQUESTS", 6000)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return made(tmp_path_factory.mktemp("verb") / "run")


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    return trace_of(tmp_path_factory.mktemp("verb") / "calm.csv", even(n=300))


def invoke(*arguments):
    return CliRunner().invoke(cli.bench, ["capacity", *map(str, arguments)])


def hashes(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).digest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_json_is_one_document_and_nothing_is_written_into_the_run(run, trace, tmp_path):
    before = hashes(run.path)
    out = tmp_path / "plan"
    done = invoke(
        run.path,
        "--trace",
        trace,
        "--limits",
        "free",
        "--json",
        "--quiet",
        "--out",
        out,
    )
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["traffic"]["name"] == "calm.csv"
    assert document["traffic"]["format"] == "azure"
    assert document["profiles"] == ["free"]
    assert hashes(run.path) == before
    names = set(hashes(out))
    assert {"capacity.json", "capacity.md"} <= names
    for name in ("curve.png", "limits.svg", "hours.csv", "tornado.png"):
        assert f"figures/capacity_{name}" in names
    assert json.loads((out / "capacity.json").read_bytes()) == document
    assert str(trace.parent) not in done.stdout, "a file is known by its name"


def test_a_rate_is_printed_with_its_time_and_memory(run):
    done = invoke(
        run.path, "--rate", "2", "--duration", "30m", "--quiet",
        "--limits", "free", "--limits", "paid-default", "--assume", "idle_s=120",
        "--locations", "20",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "peak memory" in done.stdout
    assert "On free" in done.stdout
    assert "On paid-default" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "a trace or a rate"),
        (("--rate", "1", "--trace", "x.csv"), "a trace or a rate"),
        (("--rate", "0"), "rate"),
        (("--rate", "nan"), "rate"),
        (("--rate", "1", "--duration", "soon"), "duration"),
        (("--rate", "1", "--volume", "2"), "nothing without --trace"),
        (("--rate", "1", "--columns", "time=x"), "nothing without --trace"),
        (("--trace", "x.csv", "--duration", "1h"), "nothing without --rate"),
        (("--trace", "nosuch.csv"), "nosuch.csv"),
        (("--rate", "1", "--limits", "nosuch"), "nosuch"),
        (("--rate", "1", "--workload", "nosuch"), "nosuch"),
        (("--rate", "1", "--assume", "nosuch=1"), "nosuch"),
        (("--rate", "1", "--locations", "0"), "locations"),
    ],
)
def test_what_cannot_be_is_refused(run, arguments, words):
    error = invoke(run.path, *arguments).exception
    assert isinstance(error, UserError)
    assert error.exit_code == 2
    assert words in str(error)
    assert error.remedy


def test_real_traces_give_different_answers_and_say_why(run, real):
    found = {}
    for name in ("code", "conv"):
        file = real / "traces" / f"AzureLLMInferenceTrace_{name}.csv"
        done = invoke(
            run.path, "--trace", file, "--limits", "free", "--json", "--quiet"
        )
        assert done.exit_code == 0, done.output
        found[name] = json.loads(done.stdout)
    shapes = {name: one["traffic"]["shape"] for name, one in found.items()}
    assert shapes["code"]["cv"] == pytest.approx(13.2, abs=0.1)
    assert shapes["conv"]["cv"] == pytest.approx(1.09, abs=0.02)
    code = {(row["answer"], row["of"]): row for row in found["code"]["twins"]}
    itself = code["machines", "the workload itself"]
    assert itself["traffic"] >= itself["poisson"]
    assert any(row["differs"] for row in found["code"]["twins"])
    assert "is bursty" in found["code"]["why"][0]


BOOK = next(path for path in BOOKS if path.stem == "07_capacity")


def test_the_notebook_by_itself_reads_a_run_and_keeps_its_own(
    run, trace, monkeypatch, tmp_path
):
    monkeypatch.setattr("bench.store._creation.RESULTS", tmp_path)
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    shown = execute(BOOK, run=str(run.path), trace=str(trace), limits="article")
    [listed] = list_runs(tmp_path)
    own = tmp_path / listed.folder
    assert listed.state == "finished"
    kept = json.loads((own / "capacity.json").read_bytes())
    assert kept["run"] == run.id
    assert (own / "capacity.md").is_file()
    assert "On article" in shown["answer"].data
    first = next(iter(shown))
    assert first == "answer", "the sentence is the first that is shown"
    for name in ("curve", "tornado", "hours", "limits-picture"):
        assert shown[name].data
    for name in ("metrics", "limits-table", "costs", "external", "assumptions"):
        assert shown[name].data.count("\n") > 4
    before = len(list(tmp_path.iterdir()))
    with pytest.raises(UserError):
        execute(BOOK, run=str(run.path), trace="nosuch.csv")
    assert len(list(tmp_path.iterdir())) == before, "refused before a run is made"
