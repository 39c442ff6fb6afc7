"""Runs that several processes write, hold, are killed in, and list."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap

import pytest
from store_support import DESCRIBED, add, end

from bench.errors import UserError
from bench.paths import ROOT
from bench.store import Run, list_runs

WRITER = """
    import sys
    from pathlib import Path
    from bench.store import Run
    run = Run.resume(Path(sys.argv[1]))
    number = 0
    while True:
        key = {"stage": f"s{number}"}
        if not run.done(key):
            with run.cell(key) as cell:
                row = {"metric": "cpu", "unit": "ms", "value": number}
                cell.add([row | {"seq": seq} for seq in range(200)])
            print(number, flush=True)
        number += 1
"""


def writer(path):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITER), str(path)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )


def test_kill_9_at_any_moment_loses_no_finished_cell(tmp_path):
    draw = random.Random(9)
    run = Run.create(tmp_path / "run", **DESCRIBED)
    run.close()
    announced = []
    for _ in range(20):
        process = writer(run.path)
        announced.append(int(process.stdout.readline()))
        # Somewhere within the next few cells, wherever that is on this machine.
        announced += [int(process.stdout.readline()) for _ in range(draw.randrange(3))]
        try:
            process.wait(draw.uniform(0, 0.02))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        announced += [int(line) for line in process.stdout]
        process.wait()
        process.stdout.close()
        check_whole(run.path, announced)
    assert list_runs(tmp_path)[0].state == "interrupted"
    finished = len(Run.open(run.path).manifest["cells"])
    with Run.resume(run.path) as again:
        again.seal()
    assert len(again.samples()) == 200 * finished


def check_whole(path, announced):
    """Finished cells: all that were announced, and at most one that was not yet."""
    run = Run.open(path)
    cells = run.manifest["cells"]
    numbers = [int(cell["key"]["stage"][1:]) for cell in cells.values()]
    assert set(announced) <= set(numbers)
    counts = run.samples().groupby("stage")["seq"].agg(["size", "nunique"])
    assert set(counts.index) == {f"s{number}" for number in numbers}
    assert (counts == 200).all(axis=None)


def test_several_processes_write_one_run(tmp_path):
    script = """
        import sys
        from pathlib import Path
        from bench.store import Run
        run = Run.open(Path(sys.argv[1]))
        for number in range(15):
            with run.cell({"stage": sys.argv[2], "n": number}) as cell:
                cell.add([{"metric": "cpu", "unit": "ms", "value": number}] * 20)
    """
    with Run.create(tmp_path / "run", **DESCRIBED) as run:
        started = [
            subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(script), run.path, name],
                cwd=ROOT,
            )
            for name in "abc"
        ]
        assert [process.wait() for process in started] == [0, 0, 0]
        table = run.samples()
        assert len(run.manifest["cells"]) == 45
        assert set(table.groupby(["stage", "cell"]).size()) == {20}


def test_the_state_of_a_run_follows_its_life(tmp_path):
    def states():
        return {run.folder: run.state for run in list_runs(tmp_path)}

    first = Run.create(tmp_path / "first", **DESCRIBED)
    second = Run.create(tmp_path / "second", **DESCRIBED)
    assert states() == {"first": "running", "second": "running"}
    first.seal()
    second.close()
    assert states() == {"first": "finished", "second": "interrupted"}
    with Run.resume(tmp_path / "second") as again:
        assert states()["second"] == "running"
        with pytest.raises(UserError, match="another process"):
            Run.resume(tmp_path / "second")
        again.seal("failed")
    assert states()["second"] == "failed"
    with pytest.raises(UserError, match="is finished"):
        Run.resume(tmp_path / "second")


def test_a_listing_counts_and_skips_what_is_no_run(tmp_path):
    with Run.create(tmp_path / "run", **DESCRIBED) as run:
        add(run, 1)
        with pytest.raises(ValueError, match="odd"):
            end(run, 2, ValueError("odd"))
        run.notebook("a", "ok", 1, None)
        run.notebook("b", "failed", 1, None)
    (tmp_path / "README.md").write_text("not a run")
    (tmp_path / "empty").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{")
    broken, listed = list_runs(tmp_path)
    assert (broken.folder, broken.state) == ("broken", "unreadable")
    assert (listed.cells_finished, listed.cells_failed) == (1, 1)
    assert (listed.notebooks_ok, listed.notebooks_failed) == (1, 1)
    assert (listed.profile, listed.host) == ("quick", run.host)
    assert list_runs(tmp_path / "nowhere") == []
