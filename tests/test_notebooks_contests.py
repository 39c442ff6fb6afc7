"""Notebooks 02 and 03 with a stubbed measurement: alone, in a batch, refused."""

from __future__ import annotations

import json
import math

import pytest
from figure_contests import FEW, parsers, rerank
from figure_support import figures_of
from test_notebooks import BOOKS, execute

from bench import batch, report
from bench import notebook as helper
from bench.errors import UserError
from bench.paths import ROOT
from bench.store import RUN_VARIABLE, Run, list_runs

BY_NAME = {path.stem: path for path in BOOKS}
DOCUMENTS = {"parsers": parsers(FEW), "rerank": rerank(("warm",))}
NAMES = {"parsers": "02_json_parsers", "rerank": "03_rerank_offload"}
COMMON = {"profile": "quick", "limits": "free", "seed": 1}
GIVEN = {
    "parsers": {"transcript": "", "fixtures": [], "suite": ""} | COMMON,
    "rerank": {"ks": [], "dims": []} | COMMON,
}
MEASURE = {"parsers": helper.json_parsers, "rerank": helper.rerank_offload}
each = pytest.mark.parametrize("kind", DOCUMENTS)


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Both measurements answer at once; collects their arguments by kind."""
    calls = {}

    def stub(kind):
        def measure(run, *given, **arguments):
            calls[kind] = (given, arguments)
            arguments["progress"].step("measuring")
            with run.cell({"contest": kind, "group": 0}) as cell:
                cell.add([{"metric": "cpu", "unit": "us", "value": 1.0}])
            return DOCUMENTS[kind]

        return measure

    for kind in DOCUMENTS:
        monkeypatch.setattr(f"bench.measure.{kind}.measure", stub(kind))
    monkeypatch.setattr("bench.store._creation.RESULTS", tmp_path)
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    return calls


def run_of(folder):
    [listed] = list_runs(folder)
    return Run.open(folder / listed.folder)


@each
def test_a_notebook_by_itself_makes_and_seals_a_run(kind, measured, tmp_path):
    shown = execute(BY_NAME[NAMES[kind]], seed=7)
    run = run_of(tmp_path)
    assert run.manifest["status"] == "finished"
    assert run.manifest["seed"] == 7
    assert NAMES[kind] in run.manifest["command"]
    assert json.loads((run.path / f"{kind}.json").read_bytes()) == DOCUMENTS[kind]
    for name in figures_of(kind):
        assert (run.path / "figures" / f"{name}.svg").is_file()
        assert (run.path / "figures" / f"{name}.csv").is_file()
    pictures = [value for value in shown.values() if hasattr(value, "_repr_png_")]
    assert len(pictures) == len(figures_of(kind)), "every figure is shown, and no name"
    tables = [value for value in shown.values() if hasattr(value, "to_html")]
    assert tables
    assert all(not table.data.empty and table.to_html() for table in tables)
    assert "the 10 ms that free allows" in shown["verdict"].data
    assert "Everything is kept in" in shown["files"].data


@each
def test_in_a_batch_it_writes_into_the_run_of_the_batch(
    kind, measured, monkeypatch, tmp_path
):
    described = {"argv": [], "seed": 1, "profile": "quick", "parameters": {}}
    with Run.create(tmp_path / "batch", fixtures={}, **described) as run:
        monkeypatch.setenv(RUN_VARIABLE, str(run.path))
        made = MEASURE[kind](**GIVEN[kind])
        name = min(figures_of(kind))
        made.figure(name)
        said = made.finish().data
        assert not run.sealed
        assert (run.path / "figures" / f"{name}.png").is_file()
        assert len(run.samples()) == 1
        report.build(run.path)
    assert [listed.folder for listed in list_runs(tmp_path)] == ["batch"]
    assert "part of the run" in said


@each
def test_a_part_that_failed_leaves_a_failed_run(kind, measured, monkeypatch, tmp_path):
    broken = DOCUMENTS[kind] | {"errors": ["the child died"]}
    monkeypatch.setattr(f"bench.measure.{kind}.measure", lambda *_, **__: broken)
    MEASURE[kind](**GIVEN[kind]).finish()
    assert run_of(tmp_path).manifest["status"] == "failed"


@each
def test_a_wrong_parser_or_re_ranker_is_a_result_and_no_failure(
    kind, measured, tmp_path
):
    assert any(row["error"] for row in DOCUMENTS[kind]["rows"])
    MEASURE[kind](**GIVEN[kind]).finish()
    assert run_of(tmp_path).manifest["status"] == "finished"


def test_an_unbounded_interval_is_stored_as_null(measured, monkeypatch, tmp_path):
    odd = json.loads(json.dumps(DOCUMENTS["parsers"]))
    odd["rows"][0].update(low=-math.inf, high=math.inf)
    monkeypatch.setattr("bench.measure.parsers.measure", lambda *_, **__: odd)
    helper.json_parsers(**GIVEN["parsers"]).finish()
    kept = json.loads((run_of(tmp_path).path / "parsers.json").read_bytes())
    assert kept["rows"][0]["low"] is kept["rows"][0]["high"] is None


def test_named_files_are_parsed_besides_the_usual_bodies(measured, tmp_path):
    mine = tmp_path / "mine.json"
    mine.write_text('{"a": [1, 2, 3]}')
    helper.json_parsers(**GIVEN["parsers"] | {"fixtures": [str(mine)]}).finish()
    (bodies, suite), arguments = measured["parsers"]
    labels = [body.label for body in bodies]
    assert labels[0] == "transcript.json", "the main body stays the transcript"
    assert labels[-1] == "mine.json"
    assert {"embedding.json", "vectorize_top8.json"} <= set(labels)
    assert suite is None
    assert arguments["limits"].name == "free"


@pytest.mark.parametrize(
    ("given", "grid"),
    [
        ({}, None),
        ({"ks": [8, 32]}, [(8, 1536), (32, 1536)]),
        ({"ks": [4], "dims": [384]}, [(4, 384)]),
    ],
)
def test_sizes_make_a_grid_and_none_leave_the_profiles(measured, given, grid):
    helper.rerank_offload(**GIVEN["rerank"] | given).finish()
    assert measured["rerank"][1]["grid"] == grid


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("transcript", "nosuch.json"),
        ("fixtures", ["nosuch.json"]),
        ("fixtures", [3]),
        ("fixtures", [""]),
        ("fixtures", [str(ROOT / "fixtures" / "embedding.json")]),
        ("suite", "nosuch"),
        ("profile", "nosuch"),
        ("limits", "nosuch"),
    ],
)
def test_a_bad_parameter_of_parsers_is_named_before_a_run_is_made(
    measured, tmp_path, field, value
):
    with pytest.raises(UserError) as caught:
        helper.json_parsers(**GIVEN["parsers"] | {field: value})
    assert caught.value.field == field
    assert caught.value.remedy
    assert list(tmp_path.iterdir()) == []
    assert measured == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ks", [0]),
        ("ks", [1001]),
        ("ks", ["8"]),
        ("ks", [True]),
        ("dims", [1.5]),
        ("dims", [1]),
        ("dims", [1536, 4097]),
        ("profile", "nosuch"),
        ("limits", "nosuch"),
    ],
)
def test_a_bad_parameter_of_re_ranking_is_named_before_a_run_is_made(
    measured, tmp_path, field, value
):
    with pytest.raises(UserError) as caught:
        helper.rerank_offload(**GIVEN["rerank"] | {field: value})
    assert caught.value.field == field
    assert list(tmp_path.iterdir()) == []
    assert measured == {}


def test_a_figure_of_another_document_is_refused(measured):
    ranked = helper.rerank_offload(**GIVEN["rerank"])
    with pytest.raises(UserError, match="no figure of rerank") as caught:
        ranked.figure("budget")
    assert "rerank_map" in caught.value.remedy
    ranked.finish()


@each
def test_every_parameter_can_be_given_as_text(kind):
    path = BY_NAME[NAMES[kind]]
    texts = {"str": "x", "list": "[1, 2]", "int": "3"}
    known = batch.inspect(path)
    values = batch.from_text(
        [f"{name}={texts[parameter.type]}" for name, parameter in known.items()], [path]
    )
    assert batch.validate(values, [path])[path.stem].keys() == known.keys()
