"""A few faults of ``tests/faults``, and hostile clocks, names and recordings.

Many more kills, of every victim: ``python -m tests.faults --victim all --kills 50``.
"""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta

import nbformat
import pytest
from click.testing import CliRunner
from faults import many_runs
from faults._trial import Reference, trial
from faults._work import works
from faults.victims import victims
from nbformat import v4
from project_support import needs_wrangler, project

from bench import cli, report
from bench.batch import driver, run_batch, select
from bench.batch._outcome import CRASHED, DIED, FAILED, KILLED, OK
from bench.errors import UserError
from bench.progress import Progress, State
from bench.project import requests
from bench.store import Run, _manifest, cell_id, list_runs
from bench.verdict import history

DESCRIBED = many_runs.DESCRIBED
CELLS = ("in path", "alone", "profile", "further 0", "further 1")
linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are of Linux")


@linux
@pytest.mark.parametrize(("name", "seed"), [("stages_driver", 3), ("file_limit", 13)])
def test_a_fault_loses_nothing_that_had_finished(name, seed, tmp_path):
    victim = victims()[name]
    key = {"runtime": "cpython", "phase": "warm"}
    cells = frozenset(cell_id(key | {"measurement": each}) for each in CELLS)
    moments = tuple(3 + 0.3 * place for place in range(len(cells) + 1))
    work = works(tmp_path, further=2)[victim.WORK]
    known = Reference(cells, moments)
    found = trial(victim, work, known, tmp_path, random.Random(seed))
    assert found.struck is not False, "choose another seed: it came too late"
    assert found.wrong == ()


def test_a_measured_process_whose_driver_was_killed_ends_without_a_word():
    child = subprocess.Popen(
        [sys.executable, "-m", "bench.measure.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    child.stdout.close()
    setup = {"setup": "bench.measure.subjects:nothing", "parameters": {}}
    child.stdin.write(json.dumps(setup).encode() + b"\n")
    child.stdin.close()
    assert child.stderr.read() == b""
    child.stderr.close()
    child.wait()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_that_is_full_anywhere_is_the_users_to_mend(number, monkeypatch, capsys):
    def full():
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("bench.machine.collect", full)
    monkeypatch.setattr(sys, "argv", ["bench", "doctor", "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert tempfile.gettempdir() in err
    assert "\n  remedy: " in err


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_run_whose_folder_was_removed_is_not_made_again(when, tmp_path, monkeypatch):
    run, read = Run.create(tmp_path / "run", **DESCRIBED), _manifest.read
    if when == "before":
        shutil.rmtree(run.path)
    else:
        monkeypatch.setattr(
            _manifest, "read", lambda path: (read(path), shutil.rmtree(path))[0]
        )
    with pytest.raises(UserError) as raised:
        run.save("figures/deep/a.svg", b"x")
    assert raised.value.file.startswith(str(run.path))
    assert list(tmp_path.iterdir()) == []


def test_only_a_batch_goes_on_and_others_say_what_to_type(tmp_path):
    Run.create(tmp_path / "run", **DESCRIBED).close()
    result = CliRunner().invoke(cli.bench, ["run", "--resume", str(tmp_path / "run")])
    assert isinstance(result.exception, UserError)
    assert "begun by `bench stages`" in result.exception.message
    assert result.exception.remedy.endswith("bench stages")


def test_every_victim_has_work_and_words(tmp_path):
    from faults import _sweep_work

    known = works(tmp_path) | _sweep_work.works(tmp_path)
    for name, victim in victims().items():
        assert victim.WORK in known, name
        assert victim.__doc__, name


def test_a_listing_of_many_runs_reads_each_manifest_once(tmp_path, monkeypatch):
    many_runs.make(tmp_path, 60)
    opened = []

    def spy(path, mode="r", real=open):
        opened.append(path)
        return real(path, mode)

    monkeypatch.setattr("builtins.open", spy)
    found = list_runs(tmp_path)
    monkeypatch.undo()
    assert len(found) == 60
    assert len(opened) == len(set(opened)) == 60
    assert {run.state for run in found} == {"finished", "failed", "interrupted"}
    assert [run.created for run in found] == sorted(run.created for run in found)


class Stepped(datetime):
    """A wall clock that can be set."""

    set_to = datetime(2026, 5, 1, 12, tzinfo=UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.set_to


@pytest.fixture
def clock(monkeypatch, tmp_path):
    """The wall clock of everything that writes runs; results are in ``tmp_path``."""
    for module in ("_creation", "run"):
        monkeypatch.setattr(f"bench.store.{module}.datetime", Stepped)
    monkeypatch.setattr("bench.store._creation.RESULTS", tmp_path)
    monkeypatch.setattr("time.time", lambda: Stepped.set_to.timestamp())
    monkeypatch.setattr(Stepped, "set_to", Stepped.set_to)
    return Stepped


def made(minutes, clock):
    """A finished run that was made ``minutes`` after the clock's first time."""
    clock.set_to = datetime(2026, 5, 1, 12, tzinfo=UTC) + timedelta(minutes=minutes)
    with Run.create(None, **DESCRIBED) as run:
        key = {"runtime": "workerd", "phase": "warm", "invocation": "chat"}
        with run.cell(key | {"stage": "whole", "variant": "plain"}) as cell:
            row = {"metric": "cpu", "unit": "ns", "value": 1e6}
            cell.add([row | {"process": n} for n in range(3)])
        run.seal()
    return run.id


def test_runs_made_after_the_clock_was_set_back_come_last_and_say_so(clock, tmp_path):
    order = [made(minutes, clock) for minutes in (0, 10, -30, -29, 20)]
    assert len(set(order)) == 5
    listed = list_runs(tmp_path)
    assert [run.run for run in listed] == order
    assert ["set back" in run.why for run in listed] == [0, 0, 1, 1, 0]
    [series] = history.document(tmp_path)["series"]
    assert [point["run"] for point in series["points"]] == order


def test_a_clock_that_steps_back_within_a_run_changes_no_duration(clock, tmp_path):
    with Run.create(None, **DESCRIBED) as run:
        with run.cell({"stage": "x"}) as cell:
            clock.set_to -= timedelta(days=400)
            cell.add([{"metric": "cpu", "unit": "ms", "value": 1.0}])
        with pytest.raises(ValueError, match="odd"), run.cell({"stage": "y"}):
            raise ValueError("odd")
        with pytest.raises(UserError, match="another process"):
            Run.resume(run.path)
        assert all(0 <= c["seconds"] < 60 for c in run.manifest["cells"].values())
        run.seal("failed")
    [listed] = list_runs(tmp_path)
    assert (listed.state, listed.cells_finished) == ("failed", 1)


def test_time_left_is_never_negative_whatever_the_clock_does(monkeypatch, tmp_path):
    ticks = iter([100.0, 130.0, 90.0, 500.0, *[500.0] * 9])
    told = tmp_path / "told"
    monkeypatch.setenv("WORKBENCH_PROGRESS", str(told))
    with Progress(seconds=60, clock=lambda: next(ticks)) as progress:
        for label in "abc":
            progress.step(label)
    states = [State(**json.loads(line)) for line in told.read_text().splitlines()]
    assert all(state.left_s >= 0 for state in states)
    assert all(0 <= state.fraction <= 1 for state in states)


NAMES = [
    *("{a}", "two words", 'it\'s "quoted"', "<script>alert(1)<script>", "-dash", ".."),
    *(
        "%2e%2e",
        "$(id)",
        "\N{LATIN SMALL LETTER E WITH ACUTE}" * 120,
        "x" * 249,
        "a;b&c",
    ),
]


@pytest.fixture
def without_kernel(monkeypatch):
    """Notebooks that are copied instead of executed."""

    def attempt(run, path, parameters, scratch, limit_s, show):
        show(0.5, path.stem)
        nbformat.write(nbformat.read(path, as_version=4), scratch / "executed.ipynb")
        return OK, ""

    monkeypatch.setattr(driver, "_attempt", attempt)


def write(folder, name):
    code = v4.new_code_cell("", metadata={"tags": ["parameters"]})
    book = v4.new_notebook(cells=[code], metadata={"papermill": {}})
    path = folder / f"{name}.ipynb"
    nbformat.write(book, path)
    return path


def test_any_name_that_a_notebook_can_have_is_kept_and_escaped(
    tmp_path, without_kernel
):
    books = tmp_path / "books"
    books.mkdir()
    for name in NAMES:
        write(books, name)
    run = Run.create(tmp_path / "run", **DESCRIBED)
    with run, Progress(quiet=True) as progress:
        results = run_batch(run, {}, progress=progress, folder=books)
    assert {result.name: result.status for result in results} == dict.fromkeys(
        NAMES, OK
    )
    assert set(run.manifest["notebooks"]) == set(NAMES)
    kept = {path.name for path in (run.path / "notebooks").iterdir()}
    assert kept == {f"{name}.{kind}" for name in NAMES for kind in ("ipynb", "html")}
    assert {path.name for path in tmp_path.iterdir()} == {"books", "run"}
    page = report.build(run.path).read_text()
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    "name",
    ["a\nb", "a\x1b[2Jb", "a\u202eb", os.fsdecode(b"\xff\xfe")],
    ids=["newline", "escape", "direction", "bytes"],
)
def test_a_notebook_whose_name_cannot_be_shown_is_refused(name, tmp_path):
    try:
        write(tmp_path, name)
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(UserError, match="cannot be shown") as raised:
        select(None, tmp_path)
    said = str(raised.value)
    assert said.replace("\n  remedy", "").isprintable()
    assert name not in said


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..",
        "/etc/passwd",
        "-x",
        "{run}",
        "<b>",
        "x" * 300,
        "a\nb",
        "",
    ],
    ids=range(9),
)
def test_a_notebook_that_is_none_is_refused_by_name(name):
    result = CliRunner().invoke(cli.bench, ["run", f"--notebook={name}"])
    assert isinstance(result.exception, UserError)
    assert "no notebook is called" in str(result.exception)


@pytest.mark.parametrize(
    ("status", "again"),
    [(KILLED, True), (DIED, True), (CRASHED, False), (FAILED, False)],
)
def test_a_notebook_is_tried_again_only_where_its_process_was_ended(
    status, again, tmp_path, monkeypatch
):
    write(tmp_path, "one")
    outcomes = [(status, "why"), (OK, "")]
    monkeypatch.setattr(driver, "_attempt", lambda *_: outcomes.pop(0))
    run = Run.create(tmp_path / "run", **DESCRIBED)
    with run, Progress(quiet=True) as progress:
        [result] = run_batch(run, {}, progress=progress, folder=tmp_path)
    assert result.status == (OK if again else FAILED)


def har(**request):
    asked = {"method": "GET", "url": "https://a.example/", "headers": []} | request
    return {"log": {"entries": [{"request": asked}]}}


DEEP = "[" * 100_000 + "]" * 100_000
LINE = "\r\nX-Evil: 1"
HOSTILE = {
    "nested": (f'{{"log": {{"entries": {DEEP}}}}}', "line 1"),
    "nested in a request": (
        json.dumps(har(url="U")).replace('"U"', DEEP), "line 1"),
    "many": (json.dumps({"log": {"entries": [0] * 200_001}}), "log.entries"),
    "a number for a text": (json.dumps(har(url=1e308)), "log.entries[0].request.url"),
    "a method with a line": (
        json.dumps(har(method=f"GET{LINE}")), "log.entries[0].request.method"),
    "a name with a line": (
        json.dumps(har(headers=[{"name": f"a{LINE}", "value": ""}])),
        "log.entries[0].request.headers[0]"),
    "a value with a line": (
        json.dumps(har(headers=[{"name": "a", "value": LINE}])),
        "log.entries[0].request.headers[0]"),
    "too many headers": (
        json.dumps(har(headers=[{"name": f"h{n}", "value": ""} for n in range(9999)])),
        "log.entries[0].request.headers"),
    "half a surrogate pair": (
        json.dumps(har(url="U")).replace("U", r"https://a/\ud800"), "line 1"),
    "not a number": (json.dumps(har(url="U")).replace('"U"', "NaN"), "line 1"),
    "headers of headers": (
        json.dumps(har(headers={"name": {"name": {}}})),
        "log.entries[0].request.headers"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_recording_is_refused_by_the_entry_that_is_wrong(case, tmp_path):
    needs_wrangler()
    text, field = HOSTILE[case]
    file = tmp_path / "evil.har"
    file.write_text(text)
    out = tmp_path / "run"
    mine = project(tmp_path / "mine")
    given = ["worker", str(mine), "--requests", str(file), "--out", str(out)]
    result = CliRunner().invoke(cli.bench, given)
    assert isinstance(result.exception, UserError), result.exception
    assert (result.exception.file, result.exception.field) == (str(file), field)
    assert "Evil" not in str(result.exception)
    assert not out.exists()


def test_a_recording_larger_than_any_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "huge.har").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UserError, match="more than the"):
        requests.read(tmp_path / "huge.har")


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/<script>alert(1)</script>?<img src=x onerror=alert(2)>",
        "https://a.example/../../../etc/passwd",
        'https://a.example/"onmouseover="alert(3)',
        "https://a.example/%3Cscript%3E%00%0d%0aSet-Cookie:x",
        "https://user:secret@a.example/x",
    ],
    ids=range(5),
)
def test_what_is_replayed_stays_in_its_line_and_out_of_the_markup(url, tmp_path):
    file = tmp_path / "visit.har"
    file.write_text(json.dumps(har(url=url)))
    [(route, [request])] = requests.read(file).routes.items()
    assert not set(route) & set("<>\r\n\0")
    assert "secret" not in f"{route}{request.path}"
    assert request.path.startswith("https://worker.localhost/")
    assert request.path.isprintable()
    assert " " not in request.path
