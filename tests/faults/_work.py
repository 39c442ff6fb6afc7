"""The commands that are disturbed: each is real, small, and has many cells."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import v4

from bench.store import Run, list_runs

HERE = Path(__file__).resolve().parent
BENCH = (sys.executable, "-m", "bench")
NOTEBOOK = "01_small_path"
_PARAMETERS = """\
runtimes: list = ["cpython"]  # where it runs
profile: str = "quick"  # how long to measure
seed: int = 1  # fixes the order
"""
_MEASURE = """\
from bench.notebook import request_path
path = request_path(transcript="", runtimes=runtimes, phases=["warm"],
                    profile=profile, limits="free", seed=seed)
path.finish()
"""


@dataclass(frozen=True, slots=True)
class State:
    """What a folder of results holds.

    ``finished`` maps each finished cell to what it left, in a form that can be
    compared; ``failed`` names the others; ``broken`` says in words what no folder of
    results may be.
    """

    finished: dict[str, Any]
    failed: frozenset[str]
    broken: tuple[str, ...]
    sealed: bool


@dataclass(frozen=True, slots=True)
class Work:
    """One command. ``start`` and ``resume`` are its arguments, given the folder of its
    results; ``cells`` names what has finished so far, cheaply; ``read`` gives all."""

    start: Callable[[Path], tuple[str, ...]]
    resume: Callable[[Path], tuple[str, ...]]
    cells: Callable[[Path], set[str]]
    read: Callable[[Path], State]
    environment: dict[str, str]


def works(scratch: Path, further: int = 6) -> dict[str, Work]:
    """The commands by name, with so many cells beyond the usual ones; what they need
    lies in ``scratch`` then."""
    folder = scratch / "books"
    folder.mkdir(exist_ok=True)
    code = v4.new_code_cell(_PARAMETERS, metadata={"tags": ["parameters"]})
    book = v4.new_notebook(
        cells=[code, v4.new_code_cell(_MEASURE)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(book, folder / f"{NOTEBOOK}.ipynb")
    small = {"PYTHONPATH": str(HERE / "small"), "FAULTS_FURTHER": str(further)}
    here = (*BENCH, "stages", "--phase", "warm", "--quiet", "--runtime")
    go_on = (sys.executable, str(HERE / "go_on.py"))
    books = small | {"FAULTS_NOTEBOOKS": str(folder)}
    return {
        **{
            f"stages of {name}": Work(
                lambda out, name=name: (*here, name, "--out", str(out)),
                lambda out: (*go_on, str(out)),
                cells_of,
                read_run,
                small,
            )
            for name in ("cpython", "workerd")
        },
        "run": Work(
            lambda out: (*BENCH, "run", "--quiet", "--out", str(out)),
            lambda out: (*BENCH, "run", "--quiet", "--resume", str(out)),
            cells_of,
            read_run,
            books,
        ),
    }


def cells_of(folder: Path) -> set[str]:
    """Names of the finished cells of a run, none where there is no run yet."""
    if not (folder / "manifest.json").exists():
        return set()
    cells = Run.open(folder).manifest["cells"]
    return {name for name, cell in cells.items() if cell["state"] == "finished"}


def read_run(folder: Path) -> State:
    """The state of a run, and where its manifest and samples contradict each other."""
    if not folder.exists():
        return State({}, frozenset(), (), sealed=False)
    run = Run.open(folder)
    cells, order = run.manifest["cells"], run.manifest["order"]
    table = run.samples()
    finished = {
        name: [tuple(row) for row in table[table["cell"] == name].itertuples()]
        for name, cell in cells.items()
        if cell["state"] == "finished"
    }
    rows = {name: [row[1:] for row in found] for name, found in finished.items()}
    broken = [
        f"{name} has {len(rows[name])} rows, its manifest says {cells[name]['rows']}"
        for name in finished
        if len(rows[name]) != cells[name]["rows"]
    ]
    broken += [f"rows of {name}" for name in set(table["cell"]) - set(finished)]
    broken += [f"{name} stands twice" for name, n in Counter(order).items() if n > 1]
    if run.sealed:
        debris = sorted(folder.rglob(".*"))
        broken += [f"{path.relative_to(folder)} was left" for path in debris]
    states = {listed.folder: listed.state for listed in list_runs(folder.parent)}
    if states[folder.name] == "unreadable":
        broken.append("it is listed as unreadable")
    failed = frozenset(cells) - frozenset(finished)
    return State(rows, failed, tuple(broken), run.sealed)
