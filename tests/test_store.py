"""Runs survive crashes, keep what finished and never change afterwards."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_support import DESCRIBED, add, end, key, rows

from bench.errors import BenchError, UserError
from bench.paths import ROOT, private, private_values
from bench.store import Run, cell_id


@pytest.fixture
def run(tmp_path):
    with Run.create(tmp_path / "run", **DESCRIBED) as made:
        yield made


def test_a_new_run_has_what_the_design_lists(run):
    names = {path.name for path in run.path.iterdir()}
    assert names == {
        ".lock",
        "manifest.json",
        "machine.json",
        "errors.jsonl",
        "profiles",
        "figures",
        "notebooks",
    }
    manifest = run.manifest
    assert manifest["schema"] == 1
    assert manifest["command"] == "bench stages --seed 7"
    assert manifest["seed"] == 7
    assert manifest["fixtures"] == DESCRIBED["fixtures"]
    assert len(manifest["lock"]) == len(manifest["worker_lock"]) == 64
    assert run.machine["host"] == run.host


def test_the_default_place_is_results_with_time_and_id(monkeypatch, tmp_path):
    monkeypatch.setattr("bench.store._creation.RESULTS", tmp_path / "results")
    with Run.create(None, **DESCRIBED) as run:
        assert run.path.parent == tmp_path / "results"
        assert run.path.name == run.id


@pytest.mark.parametrize("kind", ["file", "folder", "link to nothing"])
def test_out_that_exists_is_refused_and_untouched(tmp_path, kind):
    out = tmp_path / "out"
    if kind == "file":
        out.write_text("mine")
    elif kind == "folder":
        out.mkdir()
    else:
        out.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UserError, match="exists already") as caught:
        Run.create(out, **DESCRIBED)
    assert caught.value.field == "--out"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert kind != "file" or out.read_text() == "mine"


@pytest.mark.parametrize("parent", ["missing", "file"])
def test_out_without_a_folder_to_be_in_is_refused(tmp_path, parent):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="not a folder"):
        Run.create(tmp_path / parent / "out", **DESCRIBED)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_parent_that_cannot_be_written_is_refused(monkeypatch, tmp_path):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(UserError, match="permission denied"):
        Run.create(tmp_path / "out", **DESCRIBED)


def test_a_creation_that_fails_halfway_leaves_nothing(monkeypatch, tmp_path):
    def full(*_):
        raise UserError("no space", remedy="free some")

    monkeypatch.setattr("bench.store._manifest.write", full)
    with pytest.raises(UserError):
        Run.create(tmp_path / "out", **DESCRIBED)
    assert list(tmp_path.iterdir()) == []


def test_a_finished_cell_gives_tidy_rows(run):
    add(run, 4)
    table = run.samples()
    assert list(table["value"]) == [4.0, 4.1, 4.2]
    assert set(table["run"]) == {run.id}
    assert set(table["host"]) == {run.host}
    assert set(table["cell"]) == {cell_id(key(4))}
    assert set(table["stage"]) == {"s4"}
    assert list(table["seq"]) == [0, 1, 2]
    assert run.done(key(4))
    assert not run.done(key(5))


def test_rows_do_not_count_before_their_cell_has_finished(run):
    add(run, 1)
    with run.cell(key(2)) as cell:
        cell.add(rows(2))
        assert len(run.samples()) == 3
    assert len(run.samples()) == 6


def test_a_failed_cell_is_recorded_without_samples(run):
    with pytest.raises(ValueError, match="odd"):
        end(run, 1, ValueError("odd"))
    assert len(run.samples()) == 0
    [error] = run.errors()
    assert (error["cell"], error["type"]) == (cell_id(key(1)), "ValueError")
    assert run.manifest["cells"][cell_id(key(1))]["state"] == "failed"
    assert not run.done(key(1))


def test_a_failed_cell_can_succeed_later(run):
    with pytest.raises(ValueError, match="odd"):
        end(run, 1, ValueError("odd"))
    add(run, 1)
    assert run.done(key(1))
    assert run.errors() == []


def test_an_interruption_is_no_failure(run):
    with pytest.raises(KeyboardInterrupt):
        end(run, 1, KeyboardInterrupt())
    assert run.manifest["cells"] == {}
    assert run.errors() == []


def test_a_cell_finishes_once(run):
    add(run, 1)
    with pytest.raises(BenchError, match="finished before"):
        add(run, 1)
    assert len(run.samples()) == 3


@pytest.mark.parametrize(
    "row",
    [
        {"metric": "cpu", "unit": "ms", "value": float("nan")},
        {"metric": "cpu", "unit": "ms"},
        {"metric": "cpu", "unit": "ms", "value": 1.0, "colour": "red"},
    ],
)
def test_a_bad_row_fails_its_cell(run, row):
    with pytest.raises(BenchError), run.cell(key(1)) as cell:
        cell.add([row])
    assert run.manifest["cells"][cell_id(key(1))]["state"] == "failed"


def test_sealing_keeps_every_sample_and_type(run):
    add(run, 1)
    add(run, 2, count=1000)
    before = run.samples()
    run.seal()
    after = Run.open(run.path).samples()
    assert before.equals(after)
    assert list(before.dtypes) == list(after.dtypes)
    assert not (run.path / "samples.jsonl").exists()
    assert [path for path in run.path.rglob(".*") if path.is_file()] == []


def test_a_run_without_samples_can_be_sealed(run):
    run.seal("failed")
    assert len(run.samples()) == 0


def test_a_sealed_run_is_never_written_again(run):
    add(run, 1)
    run.seal()
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    for write in (
        lambda: add(run, 2),
        lambda: run.save("figures/a.svg", b"x"),
        lambda: run.notebook("a", "ok", 1.0, None),
        lambda: run.record_error(ValueError("odd")),
        run.seal,
    ):
        with pytest.raises(BenchError, match="sealed"):
            write()
    after = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert before == after


@pytest.mark.parametrize(
    "name", ["/etc/x", "../x", "a/../../x", "manifest.json", "samples.parquet", ""]
)
def test_a_caller_cannot_write_outside_or_over_the_record(run, name):
    with pytest.raises(BenchError):
        run.save(name, b"x")


def test_saved_files_and_notebooks_are_recorded(run):
    assert run.save("figures/budget.svg", b"<svg/>").read_bytes() == b"<svg/>"
    run.notebook("01", "ok", 1.23456, "notebooks/01.ipynb")
    assert run.manifest["notebooks"]["01"] == {
        "status": "ok",
        "seconds": 1.235,
        "output": "notebooks/01.ipynb",
    }


def test_a_newer_schema_is_refused_with_a_remedy(run):
    manifest = run.manifest | {"schema": 2}
    (run.path / "manifest.json").write_bytes(orjson.dumps(manifest))
    with pytest.raises(UserError, match="reads 1") as caught:
        Run.open(run.path)
    assert caught.value.field == "schema"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"run": "x"}'])
def test_a_broken_manifest_is_a_users_error(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(UserError):
        Run.open(tmp_path)


def test_a_folder_that_is_no_run_is_a_users_error(tmp_path):
    with pytest.raises(UserError, match="is not a run"):
        Run.open(tmp_path)


def test_debris_of_a_writer_that_died_does_not_count(run):
    add(run, 1)
    with (run.path / "samples.jsonl").open("ab") as stream:
        stream.write(b'{"run":"torn')
    assert len(run.samples()) == 3
    add(run, 2)
    assert list(run.samples()["value"]) == [1.0, 1.1, 1.2, 2.0, 2.1, 2.2]
    assert b"torn" not in (run.path / "samples.jsonl").read_bytes()


@contextmanager
def files_limited_to(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_keeps_the_earlier_cells(run):
    add(run, 1, count=100)
    with (
        files_limited_to(40_000),
        pytest.raises(UserError, match="size limit"),
    ):
        add(run, 2, count=500)
    assert len(run.samples()) == 100
    assert not run.done(key(2))
    add(run, 2, count=500)
    assert len(run.samples()) == 600


def test_nothing_in_a_run_tells_where_it_was_made(tmp_path):
    home = str(Path.home())
    described = DESCRIBED | {
        "argv": ["run", "--transcript", str(tmp_path / "call.json"), f"--x={home}/y"],
        "parameters": {"transcript": str(ROOT / "fixtures" / "transcript.json")},
    }
    (tmp_path / "call.json").write_text("{}")
    with Run.create(tmp_path / "run", **described) as run:
        add(run, 1)
        with pytest.raises(BenchError):
            end(run, 2, BenchError(f"{ROOT}/bench and {home}/file and {tmp_path}/x"))
        run.seal()
    for path in run.path.rglob("*"):
        text = path.read_bytes() if path.is_file() else b""
        for folder in (str(ROOT), str(tmp_path), home + "/"):
            assert folder.encode() not in text, (path.name, folder)
    assert run.manifest["argv"][2] == "call.json"
    assert run.manifest["parameters"]["transcript"] == "fixtures/transcript.json"


def test_private_text_keeps_names_that_only_begin_alike():
    inside, beside = private(f"{ROOT}/a {ROOT}b").split()
    assert inside == "./a"
    # The folder above may have a short name of its own.
    assert beside.endswith(f"/{ROOT.name}b")
    assert private("at /srv/calls/x.json", hide=["/srv/calls"]) == "at …/x.json"
    assert private_values(["/v1/chat", 3, None]) == ["/v1/chat", 3, None]


def test_importing_the_store_is_light():
    code = (
        "import bench.store, sys;"
        "print([m for m in ('numpy','pandas','pyarrow') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True
    )
    assert out.stdout == b"[]\n"


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=("Cs",))),
            st.floats(allow_nan=False, allow_infinity=False),
        ),
        max_size=20,
    )
)
def test_any_text_and_number_come_back(tmp_path_factory, pairs):
    with Run.create(tmp_path_factory.mktemp("any") / "run", **DESCRIBED) as run:
        with run.cell({"stage": "x"}) as cell:
            cell.add(
                {"variant": text, "metric": "cpu", "unit": "ms", "value": value}
                for text, value in pairs
            )
        before = run.samples()
        run.seal()
    for table in (before, run.samples()):
        assert list(zip(table["variant"], table["value"], strict=True)) == pairs


@given(st.dictionaries(st.text(max_size=5), st.integers(-9, 9)))
def test_a_cells_id_does_not_depend_on_the_order_of_its_key(names):
    turned = dict(reversed(names.items()))
    assert cell_id(names) == cell_id(turned)
    assert cell_id(names) != cell_id(turned | {"another": 1})


def test_git_may_be_absent(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", os.devnull)
    with Run.create(tmp_path / "run", **DESCRIBED) as run:
        assert run.manifest["commit"] is None
        assert run.manifest["dirty"] is None
        assert json.loads((run.path / "manifest.json").read_text())["lock"]
