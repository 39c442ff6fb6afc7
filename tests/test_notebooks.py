"""Each committed notebook: its structure, and 01 with a stubbed measurement."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import pytest
from figure_support import both, drawn

from bench import notebook as helper
from bench.batch import inspect, notebooks
from bench.errors import UserError
from bench.paths import ROOT
from bench.store import RUN_VARIABLE, Run, list_runs

BOOKS = notebooks()
each = pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)


def cells(path, kind="code"):
    book = nbformat.read(path, as_version=4)
    return [cell for cell in book.cells if cell.cell_type == kind]


def test_the_first_notebooks_are_the_start_and_the_request_path():
    assert [book.stem for book in BOOKS[:2]] == ["00_start", "01_request_path"]


@each
def test_a_notebook_is_valid_with_the_kernel_of_every_environment(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    assert book.metadata.kernelspec.name == "python3"
    ids = [cell.id for cell in book.cells]
    assert len(ids) == len(set(ids))


@each
def test_the_first_code_cell_holds_the_parameters(path):
    first, *others = cells(path)
    assert first.metadata.tags == ["parameters"]
    assert not any("parameters" in cell.metadata.get("tags", ()) for cell in others)


@each
def test_parameters_are_what_the_cell_says_and_what_papermill_sees(path):
    from papermill import inspect_notebook

    tree = ast.parse(cells(path)[0].source)
    written = {
        node.target.id: (ast.unparse(node.annotation), ast.literal_eval(node.value))
        for node in tree.body
    }
    found = inspect(path)
    assert {name: (p.type, p.default) for name, p in found.items()} == written
    seen = inspect_notebook(path)
    assert {name: p["inferred_type_name"] for name, p in seen.items()} == {
        name: parameter.type for name, parameter in found.items()
    }
    assert {name: p["help"] for name, p in seen.items()} == {
        name: parameter.help for name, parameter in found.items()
    }


@each
def test_cells_are_short_and_each_is_introduced(path):
    book = nbformat.read(path, as_version=4)
    before = None
    for cell in book.cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) < 20
            assert before == "markdown"
        before = cell.cell_type


@each
def test_logic_is_imported_from_the_package(path):
    for cell in cells(path):
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(
                node, ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.Import
            )
            if isinstance(node, ast.ImportFrom):
                assert node.module.split(".")[0] == "bench"


@each
def test_no_output_is_committed(path):
    command = [sys.executable, "-m", "nbstripout", "--verify", "--keep-id"]
    extra = "metadata.papermill cell.metadata.papermill cell.metadata.execution"
    done = subprocess.run([*command, "--extra-keys", extra, path], check=False)
    assert done.returncode == 0
    assert all(cell.outputs == [] for cell in cells(path))


def row(invocation, phase, cpu, **changes):
    return {
        "runtime": "cpython",
        "phase": phase,
        "invocation": invocation,
        "whole_cpu_ms": cpu,
        "low": cpu * 0.98,
        "high": cpu * 1.02,
        "floor_cpu_ms": 0.1,
        "closure": 0.01,
        "closure_low": 0.0,
        "closure_high": 0.02,
        "n": 8,
        "run_delay_ms": 0.0,
        "wall_ms": cpu * 3,
        "control": {"ratio": 1.001, "low": 0.999, "high": 1.003},
        "verdict": "ok",
        "stopped_by": "precision",
    } | changes


def stage(invocation, phase, name, cpu, **changes):
    return {
        "runtime": "cpython",
        "phase": phase,
        "invocation": invocation,
        "stage": name,
        "cpu_ms": cpu,
        "low": cpu * 0.9,
        "high": cpu * 1.1,
        "n": 8,
        "requests": 80,
        "io_ms": 0.0,
        "alone_ms": cpu / 2,
        "error": None,
    } | changes


def document(scale=1.0):
    return {
        "schema": 1,
        "run": "x",
        "machine": {"host": "some-2c-000000"},
        "command": "bench stages",
        "rows": [
            stage("ingest", "warm", "parse_transcript", 0.4 * scale),
            stage("ingest", "warm", "chunk", 0.2 * scale),
            stage("chat", "warm", "retrieve", 1.1 * scale),
        ],
        "totals": [row("journey", "warm", 2.0 * scale)],
        "invocations": [
            row("ingest", "warm", 0.7 * scale),
            row("chat", "warm", 1.5 * scale),
        ],
    }


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """The package with a measurement that answers at once; collects its arguments."""
    calls = []

    def measure(run, **arguments):
        calls.append(arguments)
        arguments["progress"].step("measuring")
        key = {"runtime": "cpython", "phase": "warm", "invocation": "chat"}
        with run.cell(key) as cell:
            cell.add(
                {
                    "stage": name,
                    "metric": "cpu",
                    "unit": "ms",
                    "value": 1 + i / 9,
                    "seq": i,
                }
                for name in ("whole", "sentinel")
                for i in range(20)
            )
        run.save("profiles/cpython-chat-warm.html", b"<html/>")
        return document()

    loaded = types.SimpleNamespace(label="transcript.json", sha256="0" * 64)
    monkeypatch.setattr("bench.transcript.given", lambda path: loaded)
    monkeypatch.setattr("bench.measure.stages.measure", measure)
    monkeypatch.setattr("bench.store._creation.RESULTS", tmp_path)
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    return calls


def execute(path, **parameters):
    """Run the code cells in order; their values, by cell id."""
    space, shown = {}, {}
    for cell in cells(path):
        *body, last = ast.parse(cell.source).body
        body += [] if isinstance(last, ast.Expr) else [last]
        exec(compile(ast.Module(body, []), cell.id, "exec"), space)  # noqa: S102
        if isinstance(last, ast.Expr):
            shown[cell.id] = eval(ast.unparse(last), space)  # noqa: S307
        if "parameters" in cell.metadata.get("tags", ()):
            space.update(parameters)
    return shown


def test_the_notebook_by_itself_makes_and_seals_a_run(measured, tmp_path, capsys):
    shown = execute(BOOKS[1], seed=5, phases=["warm"])
    [listed] = list_runs(tmp_path)
    assert (listed.state, listed.profile) == ("finished", "quick")
    run = Run.open(tmp_path / listed.folder)
    assert run.manifest["seed"] == 5
    assert run.manifest["command"].startswith("papermill notebooks/01_request_path")
    assert measured[0]["phases"] == ["warm"]
    assert "so it fits" in shown["verdict"].data
    table = shown["stage-table"].data
    assert list(table.index.get_level_values("stage")) == [
        "parse_transcript",
        "chunk",
        "retrieve",
    ]
    assert "error" not in table
    assert list(shown["totals"].data["A/A control"]) == ["1.001 [0.999, 1.003]"] * 2
    assert "cpython-chat-warm.html" in shown["profiles"].data
    drawn = ("budget", "stages", "article", "warming", "ecdf", "run_order")
    for name in drawn:
        assert (run.path / "figures" / f"{name}.svg").is_file()
        assert (run.path / "figures" / f"{name}.csv").is_file()
    pictures = [value for value in shown.values() if hasattr(value, "_repr_png_")]
    assert len(pictures) == len(drawn), "a figure is shown, and not its name"
    assert all(p._repr_mimebundle_()[0]["image/png"] for p in pictures)
    assert json.loads((run.path / "stages.json").read_bytes()) == {
        **document(),
        "article": [],
    }
    assert "measuring" in capsys.readouterr().err


def test_both_runtimes_are_asked_for_and_one_that_is_missing_leaves_its_tables_empty(
    measured, monkeypatch
):
    shown = execute(BOOKS[1])
    assert measured[0]["runtimes"] == ["workerd", "cpython"]
    for name in ("article-table", "warming-table", "isolate", "instruments"):
        assert shown[name].data.empty
        assert shown[name].to_html()


def test_what_only_workerd_can_tell_is_a_table_of_the_notebook(measured, monkeypatch):
    whole = both()
    monkeypatch.setattr("bench.measure.stages.measure", lambda run, **_: whole)
    monkeypatch.setattr(Run, "samples", lambda run: drawn(whole))
    (shown := execute(BOOKS[1])).pop("files")
    isolate = shown["isolate"].data
    assert isolate.loc["script, compressed", "limit"] == "3 MB"
    assert "within the target" in shown["isolate"].to_html()
    assert "beyond both intervals" in shown["instruments"].to_html()
    assert list(shown["article-table"].data["article"])[6] == "4"
    assert list(shown["article-table"].data.columns)[1:3] == [
        "workerd warm", "CPython warm",
    ]  # fmt: skip
    warming = shown["warming-table"].data
    assert list(warming.index)[:2] == ["chat, workerd", "ingest, workerd"]
    assert "under the isolate lock" in shown["verdict"].data
    totals = shown["totals"].data
    assert "3.61 [3.51, 3.71]" in list(totals["under the lock (ms)"])


def test_in_a_batch_the_notebook_writes_into_the_run_of_the_batch(
    measured, monkeypatch, tmp_path
):
    described = {"argv": [], "seed": 1, "profile": "quick", "parameters": {}}
    with Run.create(tmp_path / "batch", fixtures={}, **described) as run:
        monkeypatch.setenv(RUN_VARIABLE, str(run.path))
        shown = execute(BOOKS[1])
        assert not run.sealed
        assert len(run.samples()) == 40
    assert [listed.folder for listed in list_runs(tmp_path)] == ["batch"]
    assert "(../profiles/cpython-chat-warm.html)" in shown["profiles"].data


@pytest.mark.parametrize(
    "change",
    [
        {"limits": "nosuch"},
        {"profile": "nosuch"},
        {"phases": ["nosuch"]},
        {"phases": []},
        {"runtimes": ["nosuch"]},
        {"runtimes": []},
    ],
)
def test_a_bad_value_is_refused_before_a_run_is_made(measured, tmp_path, change):
    values = {
        "transcript": "",
        "runtimes": ["cpython"],
        "phases": ["warm"],
        "profile": "quick",
        "limits": "free",
        "seed": 1,
    }
    with pytest.raises(UserError):
        helper.request_path(**values | change)
    assert list(tmp_path.iterdir()) == []
    assert measured == []


def test_an_unknown_figure_is_refused_with_the_known_ones(measured):
    path = helper.request_path(
        transcript="",
        runtimes=["cpython"],
        phases=["warm"],
        profile="quick",
        limits="free",
        seed=1,
    )
    with pytest.raises(UserError, match="'pie'") as caught:
        path.figure("pie")
    assert "budget" in caught.value.remedy
    path.finish()


def test_importing_the_helper_is_light():
    code = (
        "import bench.notebook, bench.batch, sys;"
        "print([m for m in ('pandas','matplotlib','papermill') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True
    )
    assert done.stdout == b"[]\n"
    assert Path(helper.__file__).parent.name == "notebook"
