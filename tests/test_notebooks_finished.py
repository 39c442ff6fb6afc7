"""Notebooks that redraw a finished run, and long cells: their progress, their end."""

from __future__ import annotations

import os
import sys

import psutil
import pytest
from kernel_support import environment, gone, kernel, specs, wait_for
from test_notebooks import BOOKS, cells, execute

from bench.batch import inspect
from bench.errors import UserError
from bench.kernels import client
from bench.notebook import (
    finished_run,
    json_parsers,
    replay_workloads,
    request_path,
    rerank_offload,
)
from bench.paths import ROOT
from bench.store import RUN_VARIABLE, Run, list_runs

BY_NAME = {path.stem: path for path in BOOKS}
REFERENCE = ROOT / "results" / "reference"
MEASURING = ("01", "02", "03", "04")
MEASURED = ("stages", "parsers", "rerank", "replay", "remedies")
VALUES = {"profile": "quick", "limits": "free", "seed": 1}


@pytest.fixture
def still(monkeypatch, tmp_path):
    """Nothing can be measured, and new runs go to a folder that is returned."""

    def measure(*_, **__):
        pytest.fail("it measures")

    for name in MEASURED:
        function = "replay" if name == "replay" else "measure"
        monkeypatch.setattr(f"bench.measure.{name}.{function}", measure)
    monkeypatch.setattr("bench.store._creation.RESULTS", tmp_path)
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    return tmp_path


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_the_start_shows_a_run_and_what_else_there_is(still, monkeypatch):
    before = files(REFERENCE)
    monkeypatch.chdir(BY_NAME["00_start"].parent)
    shown = execute(BY_NAME["00_start"], run="results/reference")
    assert files(REFERENCE) == before
    assert list(still.iterdir()) == []
    assert "(../results/reference/report.html)" in shown["run"].data
    for title in ("Request path", "JSON parsers", "Re-ranking", "Capacity"):
        assert f"**{title}.** " in shown["answers"].data
    for name in ("budget", "matrix", "options"):
        assert shown[name]._repr_mimebundle_()[0]["image/png"]
    assert shown["runs"].data == "None."
    for name in BY_NAME:
        linked = f"[{name}]({name}.ipynb)" in shown["notebooks"].data
        assert linked == (name != "00_start")


def test_the_start_works_with_the_reference_alone(still):
    (still / "reference").symlink_to(REFERENCE)
    assert "**reference**" in finished_run(run="", limits="free").about().data


def test_the_start_says_what_a_run_has_not(still):
    with described(still / "half") as run:
        run.seal()
    start = finished_run(run="half", limits="free")
    assert "no document" in start.answers().data
    assert "`bench rerank` makes one" in start.figure("rerank_map").data
    with pytest.raises(UserError, match="'pie'"):
        start.figure("pie")


def described(folder):
    return Run.create(
        folder, argv=[], seed=1, profile="quick", parameters={}, fixtures={}
    )


def test_what_is_measured_is_redrawn_from_a_finished_run_and_nothing_is_written(still):
    before = files(REFERENCE)
    given = VALUES | {"run": "results/reference"}
    ranked = rerank_offload(ks=[], dims=[], **given)
    assert ranked.figure("rerank_map")._repr_mimebundle_()[0]["image/png"]
    assert "nothing was measured" in ranked.finish().data
    parsed = json_parsers(transcript="", fixtures=[], suite="", **given)
    assert "v8_json" in parsed.verdict().data
    replayed = replay_workloads(workloads=[], remedies=True, **given)
    assert not replayed.costs().data.empty
    assert not replayed.fixes().numbers().data.empty
    assert files(REFERENCE) == before
    assert list(still.iterdir()) == []


@pytest.mark.parametrize("name", [name for name in BY_NAME if name[:2] in MEASURING])
def test_every_measuring_notebook_takes_a_finished_run(name):
    [call] = [cell.source for cell in cells(BY_NAME[name]) if cell.id == "measurement"]
    assert "    run=run,\n" in call
    assert inspect(BY_NAME[name])["run"].default == ""


def test_in_a_batch_what_is_redrawn_goes_into_its_run(still, monkeypatch):
    with described(still / "batch") as run:
        monkeypatch.setenv(RUN_VARIABLE, str(run.path))
        shown = request_path(
            transcript="", runtimes=[], phases=[], run="results/reference", **VALUES
        )
        shown.figure("run_order")
        assert (run.path / "stages.json").is_file()
        assert (run.path / "figures" / "run_order.svg").is_file()
        assert "part of the run" in shown.finish().data


@pytest.mark.parametrize(
    ("run", "message"),
    [("nosuch", "nosuch"), ("open", "not finished"), ("empty", "has no rerank.json")],
)
def test_a_run_that_cannot_be_shown_is_refused_by_name(still, run, message):
    with described(still / "empty") as empty:
        empty.seal()
    with (
        described(still / "open"),
        pytest.raises(UserError, match=message) as caught,
    ):
        rerank_offload(ks=[], dims=[], run=run, **VALUES)
    assert caught.value.field == "run"


# A measurement in small: a measured child takes turns until somebody interrupts.
LONG = """
import sys, time
from pathlib import Path
import bench.store._creation as creation
creation.RESULTS = Path({results!r})
from bench.measure.process import Child
from bench.notebook._measured import keeping, open_run
from bench.progress import Progress
made, own = open_run("long", {{}}, "quick", 1, {{}})
with (
    keeping(made, own),
    Progress(seconds=100) as progress,
    Child("bench.measure.subjects:nothing", {{}}, seed=1) as child,
):
    child.ready()
    for turn in range(1000):
        progress.step(f"turn {{turn}}")
        with made.cell({{"stage": str(turn)}}) as cell:
            took = child.turn(child.cases[0]).cpu
            cell.add([{{"metric": "cpu", "unit": "ns", "value": took}}])
        time.sleep(0.05)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_long_cell_shows_how_far_it_is_and_ends_when_interrupted(
    monkeypatch, tmp_path
):
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(client.VARIABLE, client.PLAIN)
    results = tmp_path / "results"
    drawn, children = [], []
    with kernel(specs(tmp_path / "specs"), cwd=str(ROOT)) as started:

        def watch(kind, content):
            if kind in {"display_data", "update_display_data"}:
                drawn.append((kind, content["data"]["text/plain"]))
            # The third text is of a measurement that is well under way.
            if len(drawn) == 3 and not children:
                family = psutil.Process(started.pid).children(recursive=True)
                children.extend(child.pid for child in family)
                started.manager.interrupt_kernel()

        outputs = started.run(LONG.format(results=str(results)), watch)
        assert [kind for kind, _ in outputs] == ["display_data", "stream", "error"]
        assert outputs[2][1]["ename"] == "KeyboardInterrupt"
        assert "finished cells are kept" in outputs[1][1]["text"]
        assert children
        wait_for(lambda: all(gone(pid) for pid in children))
    assert [kind for kind, _ in drawn[:2]] == ["display_data", "update_display_data"]
    assert "left" in drawn[1][1]
    assert "ended after" in drawn[-1][1]
    [listed] = list_runs(results)
    assert listed.state == "interrupted"
    assert listed.cells_finished > 0
    run = Run.open(results / listed.folder)
    assert len(run.samples()) == listed.cells_finished
    assert os.path.relpath(run.path, ROOT) in outputs[1][1]["text"]
