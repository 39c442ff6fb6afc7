"""One page over all runs of a folder, to be filtered and sorted like any table.

The page is derived and holds nothing that the runs do not: it may be deleted, and is
made anew at the end of each `bench run`. Several at once make it one after the other,
each from a listing of its own, so the last one has seen every run before it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench.errors import UserError
from bench.files import write_whole
from bench.report import _shape
from bench.report._answers import Answers
from bench.report._page import html
from bench.store import RESULTS, RunSummary, list_runs
from bench.store._manifest import locked

NAME = "index.html"
SYMBOLS = {
    "finished": "\N{CHECK MARK}",
    "failed": "\N{BLACK UP-POINTING TRIANGLE}",
    "running": "\N{HORIZONTAL ELLIPSIS}",
    "interrupted": "\N{EN DASH}",
    "unreadable": "?",
}
# Pages that a run can have, or a folder beside the runs.
_PAGES = ("report", "history")
_DIGITS = 10  # of a commit
Row = dict[str, Any]


def build(results: Path) -> Path:
    """Write ``index.html`` into the folder ``results`` and return its path.

    Raises UserError where that is no folder, or the disk refuses.
    """
    if not results.is_dir():
        raise UserError(
            "is not a folder",
            file=results,
            remedy="name a folder that holds runs, or make one with `bench run`",
        )
    path = results / NAME
    with locked(results):
        write_whole(path, page(results, results).encode())
    return path


def refresh(run: Path) -> str:
    """Build the page that ``run`` is on, if it is among the project's results.

    Returns why it could not be, which is no reason to fail a run that has finished.
    """
    if run.resolve().parent != RESULTS.resolve():
        return ""
    try:
        build(RESULTS)
    except (OSError, UserError) as error:
        return f"results/{NAME} is not up to date: {error}"
    return ""


def page(results: Path, place: Path) -> str:
    """The page over the runs in ``results`` as HTML, to lie in the folder ``place``."""
    runs = list_runs(results)[::-1]
    answers = Answers(results)
    base = quote(os.path.relpath(results.resolve(), place.resolve()))
    base = "" if base == "." else f"{base}/"
    rows = [_row(run, results, base, answers) for run in runs]
    answers.keep()
    counts = Counter(run.state for run in runs)
    return html(
        "index.html.j2",
        name=results.resolve().name,
        rows=rows,
        counts=[f"{counts[state]:,} {state}" for state in SYMBOLS if counts[state]],
        beside=list(_beside(results, {run.folder for run in runs}, base)),
    )


def _row(run: RunSummary, results: Path, base: str, answers: Answers) -> Row:
    folder = f"{base}{quote(run.folder)}/"
    here = os.path.join(results, run.folder)  # noqa: PTH118 - in a loop over all runs
    pages = [
        (name, f"{folder}{name}.html")
        for name in _PAGES
        if os.path.exists(f"{here}/{name}.html")  # noqa: PTH110 - likewise
    ]
    many = run.notebooks_ok + run.notebooks_failed
    cells = f"{run.cells_finished:,}"
    return {
        "when": run.created[:16].replace("T", " "),
        "run": run.run,
        "link": pages[0][1] if pages else folder,
        "command": run.command,
        "profile": run.profile,
        "host": run.host,
        "commit": run.commit[:_DIGITS] or _shape.MISSING,
        "state": f"{SYMBOLS.get(run.state, '?')} {run.state}",
        "notebooks": f"{run.notebooks_ok} of {many}" if many else _shape.MISSING,
        "cells": f"{cells}, {run.cells_failed} failed" if run.cells_failed else cells,
        "answer": answers.of(run.folder) if run.state == "finished" else run.why,
        "pages": pages,
    }


def _beside(results: Path, runs: set[str], base: str) -> Iterator[tuple[str, str]]:
    """Pages of folders that are no runs, such as ``bench history --out`` makes."""
    with os.scandir(results) as entries:
        others = sorted(
            entry.name
            for entry in entries
            if entry.name not in runs and not entry.name.startswith(".")
        )
    for folder in others:
        for name in _PAGES:
            if (results / folder / f"{name}.html").is_file():
                yield f"{folder}/{name}.html", f"{base}{quote(folder)}/{name}.html"
