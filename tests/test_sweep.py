"""A sweep from end to end: resumed, killed, interrupted, shared, and cut short."""

from __future__ import annotations

import json
import os
import random
import signal
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from sweep_support import (
    PATIENCE_S,
    below,
    digests,
    error,
    expected,
    finished,
    gone,
    invoke,
    text,
    typed,
    until,
    written,
)

from bench.errors import BenchError, CellsFailedError, UserError
from bench.progress import Progress
from bench.store._holding import Holding
from bench.sweep import _keys, drive, spec, state
from bench.sweep._cell import FAILED, LOST, OK, TIMED_OUT, Outcome
from bench.sweep.state import Sweep

MIXED = """\
name: mixed
verb: fixtures
list:
  - {kind: embedding, seed: 1}
  - {kind: deepgram, param: {size: 2000, utterances: true}}
  - {kind: nosuch}
"""


def document(result):
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A sweep with two cells that are ok and one that cannot be; folder and result."""
    folder = tmp_path_factory.mktemp("mixed")
    file = written(folder, MIXED)
    return folder / "out", file, invoke(file, "--out", folder / "out", "--json")


def test_cells_are_kept_with_status_host_and_seconds(mixed):
    out, _, result = mixed
    assert isinstance(result.exception, CellsFailedError)
    found = document(result)
    assert {"schema", "run", "machine", "cells"} <= set(found)
    assert [cell["status"] for cell in found["cells"]] == [OK, OK, FAILED]
    for cell in found["cells"]:
        assert cell["host"] == found["machine"]["host"]
        assert cell["seconds"] > 0
        assert cell["attempts"] == 1, "a cell that failed is not tried again"
        kept = json.loads((out / cell["folder"] / "cell.json").read_bytes())
        assert kept["parameters"] == cell["parameters"]
    assert "'nosuch' is not a kind" in found["cells"][2]["error"]
    assert "nosuch" in str(result.exception)
    body = out / found["cells"][1]["folder"] / "out"
    assert len(json.loads(body.read_bytes())["results"]) > 1


def test_one_table_holds_every_cell_beside_its_parameters(mixed):
    out, _, result = mixed
    table = pq.read_table(out / "table.parquet").to_pylist()
    assert [row["cell"] for row in table] == [
        c["key"] for c in document(result)["cells"]
    ]
    assert [row["parameter.seed"] for row in table] == [1, None, None]
    assert json.loads(table[1]["parameter.param"]) == {"size": 2000, "utterances": True}
    assert [row["bytes"] is None for row in table] == [False, False, True]
    assert [row["status"] for row in table] == [OK, OK, FAILED]


def test_what_is_kept_names_no_folder_of_this_machine(mixed):
    out, *_ = mixed
    for path in out.rglob("*"):
        if path.is_file() and path.suffix not in {".parquet", ".png"}:
            assert str(out.parent) not in path.read_text(encoding="utf-8"), path
    assert not list(out.glob(".scratch*"))


def test_the_same_command_runs_nothing_again_and_says_the_same(mixed):
    out, file, result = mixed
    before = finished(out)
    again = invoke(file, "--out", out, "--json")
    assert document(again)["cells"] == document(result)["cells"]
    assert finished(out) == before


def test_a_changed_file_runs_only_what_is_new(tmp_path):
    out = tmp_path / "out"
    invoke(written(tmp_path, text([1])), "--out", out)
    before = finished(out)
    result = invoke(written(tmp_path, text([2, 1])), "--out", out)
    assert result.exit_code == 0, result.output
    assert digests(out) == expected([2, 1])
    assert before.items() < finished(out).items()


def test_a_folder_of_something_else_is_not_touched(tmp_path, mixed):
    file = written(tmp_path, text([1]))
    other = tmp_path / "other"
    other.mkdir()
    for out, message in ((other, "not a sweep"), (mixed[0], "'mixed'")):
        result = invoke(file, "--out", out)
        assert message in result.exception.message
    assert list(other.iterdir()) == []


def test_a_second_driver_is_refused_by_the_number_of_the_first(mixed):
    out, file, _ = mixed
    holding = Holding.take(out)
    try:
        result = invoke(file, "--out", out)
    finally:
        holding.release()
    assert result.exception.exit_code == 2
    assert str(os.getpid()) in result.exception.message


def killed(process, out, least):
    """Kill a driver once so many cells have finished; its cells end by themselves."""
    until(lambda: process.poll() is not None or len(finished(out)) >= least)
    orphans = below(process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    until(lambda: all(map(gone, orphans)))


def test_killed_twice_nothing_is_lost_or_doubled(tmp_path):
    seeds = range(1, 13)
    file, out = written(tmp_path, text(seeds)), tmp_path / "out"
    draw = random.Random(7)
    before = {}
    for least in (draw.randint(1, 4), draw.randint(6, 9)):
        killed(typed(file, out), out, least)
        now = finished(out)
        assert before.items() <= now.items(), "what had finished is as it was"
        before = now
    assert len(before) < len(seeds)
    process = typed(file, out)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert before.items() < finished(out).items()
    assert digests(out) == expected(seeds)
    assert not list(out.glob(".scratch*"))


def test_interrupted_it_ends_its_cells_and_goes_on_later(tmp_path):
    file, out = written(tmp_path, text(range(1, 4))), tmp_path / "out"
    process = typed(file, out)
    until(lambda: finished(out))
    children = below(process)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=PATIENCE_S)[1].decode()
    assert process.returncode == 130
    assert "Traceback" not in said
    assert all(map(gone, children))
    before = finished(out)
    assert invoke(file, "--out", out).exit_code == 0
    assert before.items() <= finished(out).items()
    assert digests(out) == expected(range(1, 4))


class Scripted:
    """An engine that does not run cells, but says how they end."""

    def __init__(self, options, ends):
        self.options, self.ends = options, ends
        self.order = []

    def run(self, cells, keep):
        for cell in cells:
            self.order.append(cell.parameters["seed"])
            status = self.ends.get(cell.parameters["seed"], OK)
            folder = self.options.scratch / f"s{cell.place}"
            folder.mkdir()
            error = "" if status == OK else status
            status = OK if status == "doubted" else status
            keep(cell, Outcome(cell.key, status, "a-host", 0.1, error), folder)


def scripted(monkeypatch, file, out, ends, seed=1):
    """Run with that engine; the order of its seeds, and the document."""
    made = []

    class Module:
        @staticmethod
        def create(options):
            made.append(Scripted(options, ends))
            return made[-1]

    monkeypatch.setattr(drive, "_engine", lambda name: Module)
    monkeypatch.setattr(drive, "_show", lambda sweep, found: None)
    _, found = drive.run(file, out, seed=seed, progress=Progress(quiet=True))
    return made[-1].order, found


def test_the_order_is_drawn_by_the_seed_and_the_table_keeps_that_of_the_file(
    tmp_path, monkeypatch
):
    file = written(tmp_path, text(range(1, 9)))
    orders = []
    for place, seed in enumerate((1, 1, 2)):
        order, found = scripted(monkeypatch, file, tmp_path / str(place), {}, seed)
        orders.append(order)
        places = [cell["parameters"]["seed"] for cell in found["cells"]]
        assert places == list(range(1, 9))
    assert orders[0] == orders[1] != orders[2] != list(range(1, 9))
    assert sorted(orders[0]) == list(range(1, 9))


def test_a_lost_cell_runs_again_and_one_that_ended_does_not(tmp_path, monkeypatch):
    file, out = written(tmp_path, text([1, 2, 3, 4])), tmp_path / "out"
    ends = {1: LOST, 2: FAILED, 3: TIMED_OUT}
    _, found = scripted(monkeypatch, file, out, ends)
    assert [cell["status"] for cell in found["cells"]] == [LOST, FAILED, TIMED_OUT, OK]
    assert len(finished(out)) == 3
    order, found = scripted(monkeypatch, file, out, {})
    assert order == [1]
    assert [cell["status"] for cell in found["cells"]] == [OK, FAILED, TIMED_OUT, OK]
    assert not list((out / "lost").iterdir())


def test_an_engine_that_forgets_a_cell_or_keeps_one_twice_is_found(
    tmp_path, monkeypatch
):
    file = written(tmp_path, text([1, 2]))
    monkeypatch.setattr(Scripted, "run", lambda self, cells, keep: None)
    with pytest.raises(BenchError, match="kept 0 of 2"):
        scripted(monkeypatch, file, tmp_path / "none", {})
    wanted = spec.read(file)
    cells = spec.cells(wanted, file)
    outcome = Outcome(cells[0].key, OK, "a-host", 0.1, "")
    with Sweep.begin(tmp_path / "twice", wanted, cells, 1) as sweep:
        for name in ("a", "b"):
            (sweep.scratch / name).mkdir()
        sweep.keep(cells[0], outcome, sweep.scratch / "a")
        with pytest.raises(BenchError, match="ended before"):
            sweep.keep(cells[0], outcome, sweep.scratch / "b")


def test_code_that_changes_meanwhile_ends_the_sweep(tmp_path, monkeypatch):
    file, out = written(tmp_path, text([1, 2])), tmp_path / "out"
    kept = Sweep.keep

    def changing(self, *arguments):
        kept(self, *arguments)
        monkeypatch.setattr(_keys, "digest_of_code", lambda: "another")

    monkeypatch.setattr(Sweep, "keep", changing)
    with pytest.raises(UserError, match="changed while the sweep ran"):
        scripted(monkeypatch, file, out, {})
    assert len(finished(out)) == 1, "and what ran before it is kept"


def test_its_folder_removed_under_it_is_an_error_that_says_so(tmp_path, monkeypatch):
    file, out = written(tmp_path, text([1, 2])), tmp_path / "out"

    def removed(self, cells, keep):
        import shutil

        folder = self.options.scratch / "s"
        folder.mkdir()
        shutil.rmtree(out)
        keep(cells[0], Outcome(cells[0].key, OK, "a-host", 0.1, ""), folder)

    monkeypatch.setattr(Scripted, "run", removed)
    with pytest.raises(UserError) as found:
        scripted(monkeypatch, file, out, {})
    assert found.value.file.startswith(str(out))
    assert not out.exists()


def test_of_two_that_start_at_once_one_has_the_folder(tmp_path, monkeypatch):
    file, out = written(tmp_path, text([1])), tmp_path / "out"
    wanted = spec.read(file)
    cells = spec.cells(wanted, file)
    quicker = []

    def meanwhile(path):
        monkeypatch.undo()
        quicker.append(Sweep.begin(path, wanted, cells, 1))

    monkeypatch.setattr(state, "check_free", meanwhile)
    with pytest.raises(UserError, match=str(os.getpid())):
        Sweep.begin(out, wanted, cells, 1)
    assert sorted(tmp_path.iterdir()) == [out, file]
    quicker[0].close()


@pytest.mark.parametrize(
    ("ends", "code"),
    [({}, 0), ({1: LOST, 2: "doubted"}, 4), ({2: "doubted"}, 6), ({2: TIMED_OUT}, 4)],
    ids=["ok", "lost", "doubted", "timed out"],
)
def test_the_exit_code_says_how_cells_ended(tmp_path, monkeypatch, ends, code):
    file, out = written(tmp_path, text([1, 2])), tmp_path / "out"
    monkeypatch.setattr(
        drive,
        "_engine",
        lambda name: SimpleNamespace(create=lambda options: Scripted(options, ends)),
    )
    monkeypatch.setattr(drive, "_show", lambda sweep, found: None)
    result = invoke(file, "--out", out, "--json")
    assert getattr(result.exception, "exit_code", 0) == code
    assert len(document(result)["cells"]) == 2


def test_a_place_without_a_parent_is_refused(tmp_path):
    file = written(tmp_path, text([1]))
    assert "nowhere" in error(file, "--out", tmp_path / "nowhere" / "out").message
