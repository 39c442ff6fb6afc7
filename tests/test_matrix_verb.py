"""`bench matrix` and its notebook: the same bytes, in the right place, from one run."""

from __future__ import annotations

import hashlib
import json

import pytest
from click.testing import CliRunner
from matrix_support import DESCRIBED, made, only, put, row_of, stages
from test_notebooks import BOOKS, execute

from bench import cli
from bench.errors import UserError
from bench.store import RUN_VARIABLE, Run, list_runs
from bench.verdict import evidence

FEW = {
    "webhook": {"native": {"2 KB": (0.4, 2.0, 2000)}},
    "agent_multi": {"native": {"5 calls": (13.0, 20.0, 100)}},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return made(tmp_path_factory.mktemp("matrix") / "run", FEW)


def invoke(*arguments):
    return CliRunner().invoke(cli.bench, ["matrix", *map(str, arguments)])


def hashes(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_verb_gives_identical_bytes_and_writes_nothing_into_the_run(run, tmp_path):
    before = hashes(run.path)
    first, second = (invoke(run.path, "--json", "--limits", "free") for _ in range(2))
    assert first.exit_code == 0, first.output
    assert first.stdout_bytes == second.stdout_bytes
    document = json.loads(first.stdout)
    assert {row["profile"] for row in document["rows"]} == {"free"}
    out = [tmp_path / name for name in ("one", "two")]
    for folder in out:
        done = invoke(run.path, "--limits", "article", "--out", folder, "--quiet")
        assert done.exit_code == 0, done.output
        assert "✓" in done.stdout
    assert hashes(out[0]) == hashes(out[1])
    names = {path.as_posix() for path in hashes(out[0])}
    assert {"matrix.json", "matrix.md", "figures/matrix.png"} <= names
    assert hashes(run.path) == before


def test_the_verb_refuses_what_it_does_not_know(tmp_path):
    for arguments in ((tmp_path, "--json"), ("--limits", "nosuch")):
        assert isinstance(invoke(*arguments).exception, UserError)


def test_the_latest_finished_run_with_workloads_is_read(monkeypatch, tmp_path):
    monkeypatch.setattr("bench.store._creation.RESULTS", tmp_path)
    with pytest.raises(UserError, match="no finished run has a workload"):
        evidence.chosen(None)
    made(tmp_path / "reference", only("webhook", 1, 1, 1), extras=False)
    assert evidence.chosen(None).path.name == "reference"
    made(tmp_path / "a", only("webhook", 1, 1, 1), extras=False)
    other = Run.create(tmp_path / "b", fixtures={}, **DESCRIBED)
    stages(other)
    other.seal()
    assert evidence.chosen(None).path.name == "a", "b has no workloads"
    assert evidence.chosen(tmp_path / "b").path.name == "b"


BOOK = next(path for path in BOOKS if path.stem == "05_decision_matrix")


def test_the_notebook_by_itself_reads_a_run_and_keeps_its_own(
    run, monkeypatch, tmp_path
):
    monkeypatch.setattr("bench.store._creation.RESULTS", tmp_path)
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    shown = execute(BOOK, run=str(run.path), limits="custom:cpu_ms=20")
    [listed] = list_runs(tmp_path)
    own = tmp_path / listed.folder
    assert listed.state == "finished"
    kept = json.loads((own / "matrix.json").read_bytes())
    assert kept["run"] == run.id
    assert "custom:cpu_ms=20" in kept["profiles"]
    assert (own / "matrix.md").is_file()
    assert (own / "figures" / "matrix.png").is_file()
    assert shown["picture"].data
    for cell in ("overview", "details", "reasons", "flips"):
        assert shown[cell].data.count("\n") > 5
    with pytest.raises(UserError, match="no finished run"):
        evidence.chosen(None)  # what measured nothing is never read


def test_in_a_batch_the_notebook_reads_and_writes_the_run_of_the_batch(
    monkeypatch, tmp_path
):
    with Run.create(tmp_path / "batch", fixtures={}, **DESCRIBED) as batch:
        put(batch, only("webhook", 1.0, 2.0, 1))
        monkeypatch.setenv(RUN_VARIABLE, str(batch.path))
        shown = execute(BOOK)
        assert not batch.sealed
        kept = json.loads((batch.path / "matrix.json").read_bytes())
    assert kept["run"] == batch.id
    assert row_of(kept, "webhook")["verdict"] == "fits"
    assert "part of the run" in shown["files"].data
