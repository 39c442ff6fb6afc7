"""The batch: bad parameters stop it before it starts, bad notebooks do not stop it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time

import nbformat
import psutil
import pytest
from nbformat import v4

from bench.batch import driver, from_text, inspect, run_batch, select, validate
from bench.batch._outcome import NOT_STARTED, OK
from bench.errors import UserError
from bench.paths import ROOT
from bench.progress import Progress
from bench.store import Run

DESCRIBED = {
    "argv": ["run"],
    "seed": 1,
    "profile": "quick",
    "parameters": {},
    "fixtures": {},
}
PARAMETERS = """\
text: str = ""  # some text
count: int = 1  # how many
share: float = 0.5  # between 0 and 1
flag: bool = False  # on or off
words: list[str] = ["a"]  # some words
table: dict = {}  # a table
"""


def write(folder, name, *cells, parameters=PARAMETERS):
    notebook = v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        cells=[
            v4.new_markdown_cell("# A title with $x^2$"),
            v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
            *(v4.new_code_cell(cell) for cell in cells),
        ],
    )
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def path(tmp_path):
    return write(tmp_path, "one")


def test_parameters_are_read_with_type_default_and_help(path):
    found = inspect(path)
    assert list(found) == ["text", "count", "share", "flag", "words", "table"]
    assert found["words"].type == "list[str]"
    assert found["words"].default == ["a"]
    assert found["words"].help == "some words"


@pytest.mark.parametrize(
    "line",
    [
        "x: int | None = None  # a union",
        'x: Literal["a"] = "a"  # a literal',
        "x: Path = Path()  # a path",
        "x = 1  # no type",
        "x: int  # no default",
        "x: int = 1",
        "x: int = 1  # help with a = in it",
        "x: int = 2 * 3 + y  # not plain",
        'x: int = "1"  # of another type',
        "import os  # not a parameter",
        "x: int = (  # not Python",
    ],
)
def test_a_cell_that_papermill_reads_differently_is_refused(tmp_path, line):
    path = write(tmp_path, "odd", parameters=line)
    with pytest.raises(UserError) as caught:
        inspect(path)
    assert caught.value.file == str(path)
    assert "name: type = default  # help" in caught.value.remedy


def test_a_notebook_needs_one_parameters_cell(tmp_path):
    path = tmp_path / "none.ipynb"
    nbformat.write(v4.new_notebook(), path)
    with pytest.raises(UserError, match="0 cells have this tag"):
        inspect(path)
    path.write_text("{")
    with pytest.raises(UserError, match="is not a notebook"):
        inspect(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", 1),
        ("text", None),
        ("count", "1"),
        ("count", 1.0),
        ("count", True),
        ("share", "0.5"),
        ("share", float("nan")),
        ("flag", 1),
        ("words", "a"),
        ("words", ["a", 1]),
        ("table", []),
    ],
)
def test_a_value_of_another_type_is_refused(path, name, value):
    with pytest.raises(UserError, match="is not of type") as caught:
        validate({name: value}, [path])
    assert caught.value.file == str(path)
    assert caught.value.field == name
    assert caught.value.remedy.startswith("give a value such as")


def test_an_unknown_name_is_refused_with_a_near_one(path):
    with pytest.raises(UserError) as caught:
        validate({"cout": 3}, [path])
    assert caught.value.field == "cout"
    assert caught.value.file == "one.ipynb"
    assert caught.value.remedy == "did you mean count?"
    with pytest.raises(UserError) as caught:
        validate({"zzz": 3}, [path])
    assert "known are count, flag" in caught.value.remedy


def test_a_parameter_goes_only_where_it_is_declared(tmp_path, path):
    other = write(tmp_path, "two", parameters="only: int = 1  # another")
    given = validate({"count": 2, "share": 1}, [path, other])
    assert given == {"one": {"count": 2, "share": 1}, "two": {}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("text=007", "007"),
        ("text=a=b", "a=b"),
        ("text=", ""),
        ("count=12", 12),
        ("share=1e-3", 0.001),
        ("flag=True", True),
        ("flag=false", False),
        ("words=x, y", ["x", "y"]),
        ('words=["x"]', ["x"]),
        ('table={"a": [1]}', {"a": [1]}),
    ],
)
def test_text_is_read_by_the_declared_type(path, text, value):
    assert from_text([text], [path]) == {text.partition("=")[0]: value}


@pytest.mark.parametrize(
    "text", ["count", "=1", "count=x", "count=1.5", "flag=maybe", "table=[1]", "cout=1"]
)
def test_text_that_cannot_be_read_is_refused(path, text):
    with pytest.raises(UserError):
        from_text([text], [path])


def test_notebooks_are_selected_by_name(tmp_path, path):
    other = write(tmp_path, "two")
    assert select(None, tmp_path) == [path, other]
    assert select(["two"], tmp_path) == [other]
    assert select(["notebooks/one.ipynb"], tmp_path) == [path]
    with pytest.raises(UserError, match="'ones'") as caught:
        select(["ones"], tmp_path)
    assert caught.value.remedy == "did you mean one?"


def test_nothing_starts_when_a_parameter_is_bad(tmp_path):
    write(tmp_path, "one", "1 / 0")
    with (
        Run.create(tmp_path / "run", **DESCRIBED) as run,
        Progress(quiet=True) as shown,
    ):
        with pytest.raises(UserError):
            run_batch(run, {"nosuch": 1}, progress=shown, folder=tmp_path)
        assert run.manifest["notebooks"] == {}


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """A batch of one good notebook and two bad ones, as (run, results, labels)."""
    place = tmp_path_factory.mktemp("batch {x}")
    folder = place / "notebooks"
    folder.mkdir()
    write(
        folder,
        "a_good",
        "import os; print(count, text, os.getcwd())",
        "from bench.store import Run\n"
        "run = Run.open(__import__('pathlib').Path(os.environ['WORKBENCH_RUN']))\n"
        "with run.cell({'stage': 'x'}) as cell:\n"
        "    cell.add([{'metric': 'cpu', 'unit': 'ms', 'value': count}])",
        "from bench.progress import Progress\n"
        "with Progress(steps=2) as p:\n    p.step('half'); p.step('of it')",
        "from matplotlib.figure import Figure\nfigure = Figure()\n"
        "_ = figure.subplots().plot([1, 2])\nfigure",
    )
    write(folder, "b_error", "print('before')", "1 / 0", "print('after')")
    write(folder, "c_dead", "import os; os._exit(7)")
    labels = []
    run = Run.create(place / "run", **DESCRIBED)
    given = {"count": 5, "text": str(place / "calls" / "mine.json")}
    with run, Progress(quiet=True) as shown:
        shown.at = lambda fraction, label: labels.append((fraction, label))
        results = run_batch(run, given, progress=shown, folder=folder)
    return run, results, labels


def executed(run, name):
    return nbformat.read(run.path / "notebooks" / f"{name}.ipynb", as_version=4)


def test_a_notebook_gets_parameters_run_and_the_checkout_as_folder(batch):
    run, [good, *_], _ = batch
    assert (good.status, good.error) == ("ok", None)
    assert good.output == "notebooks/a_good.ipynb"
    # The working folder was the checkout, which the kept copy calls ".".
    assert executed(run, "a_good").cells[3].outputs[0].text == "5 …/mine.json .\n"
    assert list(run.samples()["value"]) == [5.0]


def test_a_failed_notebook_keeps_its_copy_and_the_others_go_on(batch):
    run, [_, error, dead], _ = batch
    assert error.status == dead.status == "failed"
    assert error.error == "ZeroDivisionError: division by zero"
    assert "kernel died" in dead.error
    assert "without encryption" not in dead.error
    copy = executed(run, "b_error")
    text = json.dumps(copy)
    assert "before" in text
    assert "ZeroDivisionError" in copy.cells[0].source
    assert [e["notebook"] for e in run.errors()] == ["b_error", "c_dead"]
    states = {n: s["status"] for n, s in run.manifest["notebooks"].items()}
    assert states == {"a_good": "ok", "b_error": "failed", "c_dead": "failed"}


def test_html_copies_load_nothing_from_a_network(batch):
    run, results, _ = batch
    for result in results:
        html = (run.path / result.output).with_suffix(".html").read_text()
        loads = (
            r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//[^"'\s>]+|import\(["']http"""
        )
        assert re.findall(loads, html) == []
        assert "cdn" not in html.lower()
        assert "unpkg" not in html
    assert "data:image/png;base64" in html_of(run, "a_good")


def html_of(run, name):
    return (run.path / "notebooks" / f"{name}.html").read_text()


def test_no_copy_tells_where_it_was_made(batch):
    run, _, _ = batch
    for path in (run.path / "notebooks").iterdir():
        text = path.read_text()
        assert str(ROOT) not in text
        assert str(run.path.parent) not in text


def test_progress_of_the_measuring_process_reaches_the_one_display(batch):
    _, _, labels = batch
    assert labels[0] == (0.0, "a_good")
    assert any(label.startswith("a_good: ") for _, label in labels)
    fractions = [fraction for fraction, _ in labels]
    assert fractions == sorted(fractions)
    assert labels[-1][1] == "c_dead"


def test_a_notebook_that_hangs_is_ended(tmp_path):
    write(tmp_path, "hang", "print('early')", "import time; time.sleep(600)")
    with (
        Run.create(tmp_path / "run", **DESCRIBED) as run,
        Progress(quiet=True) as shown,
    ):
        [result] = run_batch(run, {}, progress=shown, folder=tmp_path, limit_s=6)
    assert result.status == "failed"
    assert "more than 6 s" in result.error
    assert (run.path / "notebooks" / "hang.html").is_file()


def test_a_kernel_that_does_not_start_is_tried_once_more(monkeypatch, tmp_path):
    write(tmp_path, "one")
    outcomes = [(NOT_STARTED, "port taken"), (OK, "")]
    monkeypatch.setattr(driver, "_attempt", lambda *_: outcomes.pop(0))
    with (
        Run.create(tmp_path / "run", **DESCRIBED) as run,
        Progress(quiet=True) as shown,
    ):
        [result] = run_batch(run, {}, progress=shown, folder=tmp_path)
        assert result.status == "ok"
        outcomes += [(NOT_STARTED, "port taken")] * 3
        [result] = run_batch(run, {}, progress=shown, folder=tmp_path)
    assert result.status == "failed"
    assert result.output is None
    assert len(outcomes) == 1


BATCH = """
    import sys
    from pathlib import Path
    from bench.batch import run_batch
    from bench.progress import Progress
    from bench.store import Run
    folder = Path(sys.argv[1])
    run = Run.create(folder / "run", argv=["run"], seed=1, profile="quick",
                     parameters={}, fixtures={})
    with run, Progress(quiet=True) as progress:
        results = run_batch(run, {}, progress=progress, folder=folder)
    print(",".join(f"{r.name}:{r.status}" for r in results))
"""


def start_batch(folder):
    """A batch in a process of its own, once its notebook has reached a long cell."""
    mark = folder / "reached"
    write(
        folder,
        "one",
        f"import pathlib, time; _ = pathlib.Path({str(mark)!r}).write_text('x')\n"
        "time.sleep(600)",
    )
    write(folder, "two")
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(BATCH), str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for(mark.exists)
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 2
    return process, family


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)


def all_gone(family):
    return not any(
        process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        for process in family
    )


def test_ctrl_c_ends_everything_and_is_recorded(tmp_path):
    process, family = start_batch(tmp_path)
    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert out == "one:interrupted\n"
    wait_for(lambda: all_gone(family))
    run = Run.open(tmp_path / "run")
    assert run.manifest["notebooks"]["one"]["status"] == "interrupted"
    assert run.errors() == []
    assert "interrupted by the user" in html_of(run, "one")


def test_kill_9_of_the_driver_leaves_no_process(tmp_path):
    process, family = start_batch(tmp_path)
    process.kill()
    process.communicate(timeout=60)
    wait_for(lambda: all_gone(family))
