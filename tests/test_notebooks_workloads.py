"""Notebook 04 with stubbed measurements: rows, engines and fixes in one run."""

from __future__ import annotations

import json

import pytest
from replay_support import remedies, workloads
from test_notebooks import BOOKS, execute

from bench import batch
from bench import notebook as helper
from bench.errors import UserError
from bench.store import RUN_VARIABLE, Run, list_runs

BOOK = next(path for path in BOOKS if path.stem == "04_workloads")
GIVEN = {"workloads": [], "remedies": True, "profile": "quick", "limits": "free"}
GIVEN |= {"seed": 1}


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Both measurements answer at once; who was asked, and with what."""
    calls = []

    def rows(run, **given):
        calls.append(("rows", given))
        given["progress"].step("measuring")
        return workloads("it broke" if given["seed"] == 13 else None)

    def fixes(run, **given):
        calls.append(("fixes", given))
        assert (run.path / "workloads.json").is_file(), "what is known is kept first"
        return remedies("no answer" if given["seed"] == 14 else None)

    monkeypatch.setattr("bench.measure.replay.replay", rows)
    monkeypatch.setattr("bench.measure.remedies.measure", fixes)
    monkeypatch.setattr("bench.store._creation.RESULTS", tmp_path)
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    return calls


def run_of(folder):
    [listed] = list_runs(folder)
    return Run.open(folder / listed.folder)


def test_the_notebook_by_itself_makes_and_seals_one_run(measured, tmp_path):
    shown = execute(BOOK, seed=5, workloads=["webhook"])
    run = run_of(tmp_path)
    assert run.manifest["status"] == "finished"
    assert [name for name, _ in measured] == ["rows", "fixes"]
    assert measured[0][1]["names"] == ["webhook"]
    one, other = (given["progress"] for _, given in measured)
    assert one is other, "one display shows the time left for both"
    for name in ("workloads", "remedies"):
        kept = json.loads((run.path / f"{name}.json").read_bytes())
        assert kept["rows"]
        assert (run.path / "figures" / f"{name}.svg").is_file()
        assert (run.path / "figures" / f"{name}.csv").is_file()
    pictures = [value for value in shown.values() if hasattr(value, "_repr_png_")]
    assert len(pictures) == 2
    tables = [value for value in shown.values() if hasattr(value, "to_html")]
    assert len(tables) == 7
    assert all(not table.data.empty and "<table" in table.to_html() for table in tables)
    assert "2 are charged more than" in shown["verdict"].data
    assert "the article's filter takes qdrant 3.00 ms" in shown["verdict"].data
    assert "What does own_writes cost? At a lag of 8" in shown["fixes"].data
    assert "Everything is kept in" in shown["files"].data


def test_the_fixes_can_be_left_out(measured, tmp_path):
    shown = execute(BOOK, remedies=False)
    assert [name for name, _ in measured] == ["rows"]
    assert shown["fixes"].data == "The fixes were left out."
    run = run_of(tmp_path)
    assert run.manifest["status"] == "finished"
    assert not (run.path / "remedies.json").exists()


def test_in_a_batch_it_writes_into_the_run_of_the_batch(
    measured, monkeypatch, tmp_path
):
    described = {"argv": [], "seed": 1, "profile": "quick", "parameters": {}}
    with Run.create(tmp_path / "batch", fixtures={}, **described) as run:
        monkeypatch.setenv(RUN_VARIABLE, str(run.path))
        shown = helper.replay_workloads(**GIVEN)
        said = shown.finish().data
        assert not run.sealed
        assert (run.path / "remedies.json").is_file()
    assert [listed.folder for listed in list_runs(tmp_path)] == ["batch"]
    assert "part of the run" in said


@pytest.mark.parametrize("seed", [13, 14])
def test_a_part_that_failed_leaves_a_failed_run(measured, tmp_path, seed):
    helper.replay_workloads(**GIVEN | {"seed": seed}).finish()
    assert run_of(tmp_path).manifest["status"] == "failed"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("workloads", ["nosuch"]),
        ("workloads", [3]),
        ("profile", "nosuch"),
        ("limits", "nosuch"),
    ],
)
def test_a_bad_parameter_is_named_before_a_run_is_made(
    measured, tmp_path, field, value
):
    with pytest.raises(UserError) as caught:
        helper.replay_workloads(**GIVEN | {field: value})
    assert caught.value.field == field
    assert caught.value.remedy
    assert list(tmp_path.iterdir()) == []
    assert measured == []


def test_a_figure_of_the_other_document_is_refused(measured):
    shown = helper.replay_workloads(**GIVEN)
    with pytest.raises(UserError, match="no figure of workloads"):
        shown.figure("remedies")
    with pytest.raises(UserError, match="no figure of remedies"):
        shown.fixes().figure("workloads")
    shown.finish()


def test_every_parameter_can_be_given_as_text():
    texts = ["workloads=webhook, documents", "remedies=false", "seed=3"]
    values = batch.from_text(texts, [BOOK])
    assert values == {
        "workloads": ["webhook", "documents"],
        "remedies": False,
        "seed": 3,
    }
