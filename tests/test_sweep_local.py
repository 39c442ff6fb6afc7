"""Which cells run at once on one machine, on which cores, and what is tried again."""

from __future__ import annotations

import errno
from dataclasses import replace

import psutil
import pytest
from sweep_support import gone, until

from bench.errors import CellsFailedError, UserError
from bench.sweep import _child, _cores, work
from bench.sweep._cell import FAILED, LOST, OK, TIMED_OUT, Cell, Outcome
from bench.sweep.engines import Options, load, local

ANALYSIS = Cell("a", 0, "fixtures", "", {}, False, 60.0)
MEASURING = replace(ANALYSIS, verb="stages", measures=True)


class Machine:
    """Cores that are not there, and attempts that end when their turn comes."""

    def __init__(self, monkeypatch, tmp_path, cores):
        self.ends = {}
        self.running, self.log, self.most = [], [], []
        machine = self

        class Attempt:
            def __init__(self, cell, folder, cores, handles):
                self.cell, self.folder, self.cores = cell, folder, cores
                self.looks = 0
                machine.running.append(self)
                machine.log.append(cell.key)
                machine.most.append(list(machine.running))

            def poll(self):
                self.looks += 1
                if self.looks < 3:
                    return None
                machine.running.remove(self)
                ends = machine.ends.get(self.cell.key, [])
                status = ends.pop(0) if ends else OK
                return Outcome(self.cell.key, status, "a-host", 0.1, "")

            def end(self):
                if self in machine.running:
                    machine.running.remove(self)

        monkeypatch.setattr(local, "Attempt", Attempt)
        monkeypatch.setattr(_cores, "allowed", lambda: frozenset(range(cores)))
        monkeypatch.setattr(_cores, "POLL_S", 0.0)
        monkeypatch.setattr(_cores.tempfile, "gettempdir", lambda: str(tmp_path))
        monkeypatch.setattr(local.affinity, "pin", lambda pid, cores: None)
        self.note = lambda text: None
        options = Options(tmp_path, attempts=3, note=lambda text: self.note(text))
        self.engine = local.create(options)

    def run(self, cells):
        """How each cell ended, in the order in which it was kept."""
        kept = []
        self.engine.run(cells, lambda cell, outcome, folder: kept.append(outcome))
        assert not self.running
        return [(outcome.key, outcome.status, outcome.attempts) for outcome in kept]


@pytest.fixture
def machine(monkeypatch, tmp_path):
    def made(cores, siblings=None):
        pairs = siblings or {}
        monkeypatch.setattr(
            _cores,
            "_physical",
            lambda cores: sorted(
                {frozenset({core, pairs.get(core, core)}) for core in cores}, key=max
            ),
        )
        return Machine(monkeypatch, tmp_path, cores)

    return made


def cells(kind, count, first=0):
    return [replace(kind, key=f"{kind.verb}{n}", place=n) for n in range(first, count)]


def test_analyses_fill_the_cores_and_begin_in_order(machine):
    found = machine(4)
    every = cells(ANALYSIS, 9)
    kept = found.run(every)
    assert sorted(key for key, _, _ in kept) == sorted(cell.key for cell in every)
    assert found.log == [cell.key for cell in every]
    assert max(map(len, found.most)) == 4


@pytest.mark.parametrize(("count", "places"), [(1, 1), (2, 1), (3, 1), (4, 2), (9, 4)])
def test_a_cell_that_measures_has_its_cores_alone(machine, count, places):
    found = machine(count)
    found.run(cells(MEASURING, 7))
    assert max(map(len, found.most)) == places
    for together in found.most:
        used = [core for attempt in together for core in attempt.cores]
        assert len(used) == len(set(used)) == len(together) * min(count, 2)


def test_siblings_of_a_measuring_core_stay_empty(machine):
    found = machine(8, siblings={core: (core + 4) % 8 for core in range(8)})
    found.run(cells(MEASURING, 4))
    assert max(map(len, found.most)) == 2
    for together in found.most:
        for attempt in together:
            sibling = (max(attempt.cores) + 4) % 8
            assert all(sibling not in each.cores for each in together)


def test_on_two_cores_nothing_runs_beside_a_measurement(machine):
    found = machine(2)
    mixed = [*cells(ANALYSIS, 3), *cells(MEASURING, 3)]
    kept = found.run(mixed)
    assert len(kept) == 6
    assert max(map(len, found.most)) == 1
    assert [key[0] for key in found.log] == ["s"] * 3 + ["f"] * 3


def test_on_three_cores_an_analysis_has_the_one_that_is_left(machine):
    found = machine(3)
    found.run([*cells(ANALYSIS, 3), *cells(MEASURING, 3)])
    assert max(map(len, found.most)) == 2
    for together in found.most:
        kinds = [attempt.cell.measures for attempt in together]
        assert sum(kinds) <= 1
        assert all(a.cores == {2} for a in together if not a.cell.measures)


def test_only_what_was_lost_is_tried_again_and_not_for_ever(machine):
    found = machine(2)
    found.ends = {
        "fixtures0": [LOST, OK],
        "fixtures1": [FAILED, OK],
        "fixtures2": [TIMED_OUT, OK],
        "fixtures3": [LOST] * 9,
    }
    assert sorted(found.run(cells(ANALYSIS, 4))) == [
        ("fixtures0", OK, 2),
        ("fixtures1", FAILED, 1),
        ("fixtures2", TIMED_OUT, 1),
        ("fixtures3", LOST, 3),
    ]


def test_a_driver_that_ends_takes_every_cell_along(machine):
    found = machine(4)

    def full(cell, outcome, folder):
        raise UserError("no space is left", remedy="free some")

    with pytest.raises(UserError):
        found.engine.run(cells(ANALYSIS, 9), full)
    assert not found.running


def test_a_place_that_another_sweep_uses_is_waited_for(machine):
    machine(2)
    [place] = _cores.places(_cores.allowed())
    held = _cores.hold(place)
    assert held is not None
    assert _cores.hold(place) is None
    looks = []

    def tick():
        looks.append(1)
        if len(looks) == 3:
            held.release()

    with _cores.holding(None, tick) as (again, _):
        assert again == place
        assert len(looks) == 3


def test_a_driver_says_that_it_waits_for_a_core(machine):
    found = machine(2)
    [place] = _cores.places(_cores.allowed())
    held, notes = _cores.hold(place), []

    def note(text):
        notes.append(text)
        held.release()

    found.note = note
    assert found.run(cells(MEASURING, 2)) == [("stages0", OK, 1), ("stages1", OK, 1)]
    assert notes == ["another sweep measures; waiting for a core"]


def scripted(monkeypatch, folder, script, limit_s=60.0):
    """How a cell ends whose process is a shell; $3 is the file for its note."""
    shell = folder / "shell"
    shell.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    shell.chmod(0o755)
    monkeypatch.setattr(work.sys, "executable", str(shell))
    left = folder / "left"
    left.mkdir()
    return work.execute(replace(ANALYSIS, limit_s=limit_s), left)


@pytest.mark.parametrize(
    ("script", "status", "error"),
    [
        ("echo 'written: x' >&2; exit 0", OK, ""),
        ("echo 'error: a control is off' >&2; exit 6", OK, "inconclusive: a control"),
        ("echo 'error: no such file\n  remedy: x' >&2; exit 2", FAILED, "no such file"),
        ("echo 'error: 1 of 2 failed' >&2; exit 4", FAILED, "1 of 2 failed"),
        ("exit 3", FAILED, "exit code 3"),
        ("printf 'No space' > $3; echo 'error: full' >&2; exit 2", LOST,
         "No space: full"),
        ("exit 130", LOST, "interrupted"),
        ("kill -KILL $$", LOST, "SIGKILL"),
        ("kill -TERM $$", LOST, "SIGTERM"),
        ("kill -SEGV $$", FAILED, "exit code -11"),
        (
            "printf 'x\nTraceback:\n  f\nValueError: 7\nerror: ours\n' >&2; exit 1",
            FAILED, "ValueError: 7",
        ),
    ],
    ids=["ok", "inconclusive", "refused", "some failed", "silent", "disk",
         "interrupted", "killed", "ended", "crashed", "our fault"],
)  # fmt: skip
def test_how_a_cell_ended_is_told_from_its_process(
    monkeypatch, tmp_path, script, status, error
):
    outcome = scripted(monkeypatch, tmp_path, script)
    assert (outcome.status, outcome.key) == (status, "a")
    assert outcome.error.startswith(error) or error in outcome.error
    assert bool(outcome.error) == bool(error)


def test_over_its_limit_a_cell_ends_with_all_that_it_started(monkeypatch, tmp_path):
    script = f"echo {tmp_path}/left/x >&2; sleep 600 & sleep 600"
    outcome = scripted(monkeypatch, tmp_path, script, limit_s=0.3)
    assert (outcome.status, outcome.error) == (TIMED_OUT, "more than 0.3 s")
    assert not psutil.Process().children(recursive=True)
    log = (tmp_path / "left" / "log.txt").read_text(encoding="utf-8")
    assert log.strip() == "\N{HORIZONTAL ELLIPSIS}/x", (
        "without a folder of this machine"
    )


def test_what_a_killed_cell_leaves_running_is_ended(monkeypatch, tmp_path):
    script = f"sleep 600 & echo $! > {tmp_path}/pid; kill -KILL $$"
    outcome = scripted(monkeypatch, tmp_path, script)
    assert outcome.status == LOST
    pid = int((tmp_path / "pid").read_text(encoding="utf-8"))
    until(lambda: gone(pid))


def test_what_a_cell_prints_and_writes_is_in_its_folder(monkeypatch, tmp_path):
    scripted(monkeypatch, tmp_path, "echo '{}'; echo made > out; echo said >&2")
    left = {path.name: path.read_text() for path in (tmp_path / "left").iterdir()}
    assert left == {"document.json": "{}\n", "out": "made\n", "log.txt": "said\n"}


def chained(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (MemoryError(), "no memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "refused"),
        (
            chained(
                UserError("the disk is full", remedy="free some"),
                OSError(errno.ENOSPC, "No space left on device"),
            ),
            "No space",
        ),
        (CellsFailedError("chat: workerd was not ready within 60 s"), "not ready"),
        (CellsFailedError("chat: workerd ended with SIGKILL: x"), "SIGKILL"),
        (CellsFailedError("a measured process ended with code -9"), "code -9"),
        (CellsFailedError("01: the kernel did not start: x"), "did not start"),
        # The cell's own doing, whatever it looks like:
        (CellsFailedError("chat: workerd ended with SIGSEGV"), ""),
        (CellsFailedError("a measured process ended with code -11"), ""),
        (CellsFailedError("01: the kernel died: x"), ""),
        (FileNotFoundError(errno.ENOENT, "No such file"), ""),
        (UserError("is not JSON", remedy="mend it"), ""),
        (ValueError("wrong answer"), ""),
    ],
    ids=lambda value: str(value).split("\n")[0] or None,
)
def test_what_is_a_failure_of_the_machine(error, why):
    found = _child.infrastructure(error)
    assert bool(found) == bool(why)
    assert why in found


def test_every_engine_says_what_it_is():
    for module in load().values():
        assert module.HELP
    assert "local" in load()
