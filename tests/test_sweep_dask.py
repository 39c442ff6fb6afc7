"""Cells on a Dask cluster: the same results as on this machine, whatever dies."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import pandas as pd
import psutil
import pytest
from capacity_support import even, made, trace_of

from bench.errors import UserError
from bench.progress import Progress
from bench.sweep import _cores, _keys, drive, work
from bench.sweep._cell import LOST, OK, Cell
from bench.sweep.engines import Options, _dask_cluster, dask

pytest.importorskip("distributed")

SEEDS = range(1, 5)
KILLER = 4
"""The seed whose cell takes its worker with it."""
CHILD = "bench.sweep._child"
FILE = f"""
name: conversations
verb: fixtures
grid: {{kind: [conversation], seed: {list(SEEDS)}}}
"""
DEADLINE_S = 60.0


def cell(seed, *, measures=False):
    parameters = {"kind": "conversation", "seed": seed}
    return Cell(f"{seed:032x}", seed, "fixtures", "", parameters, measures, DEADLINE_S)


@contextmanager
def killing(times):
    """Kill the worker that is at the KILLER's cell, at most so often; how often."""
    killed, over = [], threading.Event()

    def watch():
        while len(killed) < times and not over.wait(0.01):
            for process in started(CHILD, f"--seed={KILLER}"):
                with suppress(psutil.NoSuchProcess):
                    # What a dead worker had started outlives it by an instant.
                    if "worker" in process.parent().cmdline():
                        process.parent().kill()
                        killed.append(process.pid)

    with beside(watch, over):
        yield killed


@contextmanager
def beside(work, over):
    """Do ``work`` in a thread until the block ends, which ``over`` tells it."""
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def started(*words):
    """Processes below this one with all of ``words`` in their command lines."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if set(words) <= set(process.cmdline()):
                found.append(process)
    return found


def ran(options, cells):
    """Outcomes by the seed, and what each cell left."""
    outcomes, left = {}, {}

    def keep(cell, outcome, folder):
        assert cell.place not in outcomes, "kept once"
        outcomes[cell.place] = outcome
        left[cell.place] = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    dask.create(options).run(cells, keep)
    return outcomes, left


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with _dask_cluster.start(tmp_path_factory.mktemp("cluster"), 2) as running:
        running.address()
        yield running


@pytest.fixture
def options(cluster, tmp_path):
    return Options(tmp_path, 2, cluster.address())


def swept(file, out, engine):
    _, document = drive.run(file, out, engine=engine, progress=Progress(quiet=True))
    table = pd.read_csv(out / "table.csv").drop(columns="seconds")
    return document, table


def test_a_sweep_that_loses_a_worker_is_the_same_as_here(tmp_path):
    file = tmp_path / "sweep.yaml"
    file.write_text(FILE)
    here, expected = swept(file, tmp_path / "local", "local")
    with killing(times=1) as killed:
        there, table = swept(file, tmp_path / "dask", "dask")
    assert len(killed) == 1
    pd.testing.assert_frame_equal(table, expected)
    keys = [[row["key"] for row in each["cells"]] for each in (here, there)]
    assert keys[0] == keys[1]
    attempts = {row["parameters"]["seed"]: row for row in there["cells"]}
    assert attempts[KILLER]["attempts"] == 2
    assert sum(row["attempts"] for row in there["cells"]) <= len(SEEDS) + 2, (
        "only what the worker was at runs again"
    )
    assert there["hosts"] == [_keys.host()]
    assert not list((tmp_path / "dask").glob(".scratch*"))
    assert not psutil.Process().children(recursive=True)


def test_a_cell_that_kills_each_worker_is_lost_and_the_others_are_not(cluster, options):
    over = threading.Event()

    def mend():
        while not over.wait(0.05):
            cluster.mend()

    with beside(mend, over), killing(times=9) as killed:
        outcomes, left = ran(options, [cell(seed) for seed in (3, KILLER, 5)])
    assert len(killed) == options.attempts
    assert {seed: each.status for seed, each in outcomes.items()} == {
        3: OK, KILLER: LOST, 5: OK,
    }  # fmt: skip
    assert outcomes[KILLER].attempts == options.attempts
    assert outcomes[KILLER].host == _keys.host()
    assert left[KILLER] == {}
    assert set(left[3]) == {"document.json", "log.txt", "out"}


def test_measuring_cells_of_one_machine_wait_for_its_cores(cluster, options):
    most, over = [], threading.Event()

    def count():
        while not over.wait(0.005):
            # A cell that starts a process looks like two, until that is another; and
            # one counts that is still there when all have been looked at.
            found = {seed: started(CHILD, f"--seed={seed}") for seed in (1, 2)}
            most.append(sum(any(map(alive, each)) for each in found.values()))

    with beside(count, over):
        outcomes, _ = ran(options, [cell(seed, measures=True) for seed in (1, 2)])
    assert [each.status for each in outcomes.values()] == [OK] * 2
    assert 1 <= max(most) <= len(_cores.places(_cores.allowed()))


def test_a_capacity_plan_is_byte_for_byte_that_of_this_machine(options, tmp_path):
    parameters = {
        "run": str(made(tmp_path / "run").path),
        "trace": str(trace_of(tmp_path / "calm.csv", even(n=300))),
        "limits": ["free"],
    }
    plan = Cell("c" * 32, 0, "capacity", "", parameters, False, DEADLINE_S)
    folder = tmp_path / "here"
    folder.mkdir()
    local = threading.Thread(target=work.execute, args=(plan, folder))
    local.start()
    outcomes, left = ran(options, [plan])
    local.join()
    assert outcomes[0].status == OK, outcomes[0].error
    here = json.loads((folder / work.DOCUMENT).read_bytes())
    there = json.loads(left[0][work.DOCUMENT])
    for document in (here, there):
        # The only fields that tell how, and not what.
        assert document["simulation"].pop("seconds") > 0
        assert document["simulation"].pop("peak_mib") > 0
    assert json.dumps(there) == json.dumps(here)
    tables = [name for name in left[0] if name.endswith(".csv")]
    assert tables
    for name in tables:
        assert left[0][name] == (folder / name).read_bytes(), name


def test_a_worker_with_other_code_is_refused(options, monkeypatch):
    monkeypatch.setattr(_keys, "code", lambda: "0" * 64)
    with pytest.raises(UserError, match=_keys.host()) as refused:
        ran(options, [cell(1)])
    assert "code" in refused.value.message
    assert "tcp://127.0.0.1:" in refused.value.message


def test_a_worker_with_another_input_is_refused(options, monkeypatch, tmp_path):
    from bench.sweep.engines import _dask_flights

    monkeypatch.setattr(_dask_flights, "inputs", lambda cell: {"file": "another"})
    with pytest.raises(UserError, match="has other files"):
        ran(options, [cell(1)])


def test_a_cluster_without_a_worker_for_the_cells(options, monkeypatch):
    from bench.sweep.engines import _dask_flights, _dask_places

    monkeypatch.setattr(_dask_flights, "PATIENCE_S", 0.5)
    monkeypatch.setattr(_dask_places.Places, "can", lambda self, measures: not measures)
    monkeypatch.setattr(_dask_places.Places, "free", lambda self, *_: False)
    with pytest.raises(UserError, match="offers the resource") as nobody:
        ran(options, [cell(1, measures=True)])
    assert '--resources "measure=1"' in nobody.value.remedy


def test_nobody_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(dask, "CONNECT_S", 0.5)
    with pytest.raises(UserError, match="no scheduler answers"):
        ran(Options(tmp_path, 2, "tcp://127.0.0.1:9"), [cell(1)])


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8786", "http://127.0.0.1:8786", "tcp://a b:1", "tcp://x"]
)
def test_an_address_that_is_none(tmp_path, address):
    with pytest.raises(UserError, match="not the address of a scheduler"):
        dask.create(Options(tmp_path, 2, address))


def test_the_package_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match="not installed: distributed") as lacking:
        dask.create(Options(tmp_path, 2))
    assert ".[dask]" in lacking.value.remedy


def test_cells_end_with_a_driver_that_is_killed(options, tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from bench.sweep._cell import Cell\n"
        "from bench.sweep.engines import Options, dask\n"
        "parameters = {'run': 'results/reference', 'rate': 5.0}\n"
        "plan = Cell('d' * 32, 0, 'capacity', '', parameters, False, 600.0)\n"
        "options = Options(Path(sys.argv[1]), 1, sys.argv[2])\n"
        "dask.create(options).run([plan], lambda *_: None)\n"
    )
    driver = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), str(options.scheduler)]
    )
    try:
        until(lambda: driver.poll() is not None or started(CHILD))
        assert driver.poll() is None
    finally:
        driver.kill()
        driver.wait()
    until(lambda: not started(CHILD))


def alive(process):
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def until(holds):
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
