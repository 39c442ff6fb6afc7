"""``bench sweep``: one verb or notebook over a grid of parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.errors import CellsFailedError, InconclusiveError
from bench.verbs import _options, _output

_SHOWN = ("key", "status", "host", "seconds", "place", "parameters", "error", "folder",
          "attempts")  # fmt: skip


@click.command("sweep")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--engine",
    default="local",
    show_default=True,
    help="Where cells run: on this machine (local) or on a cluster (dask).",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="The cluster's, such as tcp://host:8786; without it one is started here.",
)
@_options.resumable
def command(
    file: Path,
    engine: str,
    scheduler: str | None,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Run every cell of FILE, a grid of parameters over one verb or notebook.

    A cell that has finished is never run again: the same command goes on where it was
    interrupted, and runs anew only what has changed. --out is a folder, by default
    results/sweep-NAME, and may be one that was begun before.
    """
    from bench.progress import Progress
    from bench.report import _sweep
    from bench.sweep import drive

    with Progress(quiet=quiet) as progress:
        folder, document = drive.run(
            file, out, engine=engine, scheduler=scheduler, seed=seed, progress=progress
        )
    cells = [{name: row[name] for name in _SHOWN} for row in document["cells"]]
    parts = document | {
        "cells": cells,
        "table": _output.short(folder / "table.csv"),
        "report": _output.short(folder / "report.html"),
    }
    if not _output.emit(_output.finite(parts), as_json=as_json, out=None):
        _output.say(_sweep.terminal(document))
        _output.note(f"table and report: {_output.short(folder)}")
    _raise(document["cells"])


def _raise(cells: list[dict[str, Any]]) -> None:
    failed = [row for row in cells if row["status"] != "ok"]
    if failed:
        first = failed[0]
        raise CellsFailedError(
            f"{len(failed)} of {len(cells)} cells did not end well; "
            f"the first, {first['folder']}: {first['status']}: {first['error']}"
        )
    doubted = [row for row in cells if row["error"]]
    if doubted:
        raise InconclusiveError(
            f"{len(doubted)} of {len(cells)} cells could not tell; "
            f"the first, {doubted[0]['folder']}: {doubted[0]['error']}"
        )
