"""A sweep from its file to its table: what is lacking runs, what comes back is kept."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.errors import BenchError, UserError, writing
from bench.paths import private_values
from bench.progress import Progress
from bench.store import RESULTS
from bench.sweep import _numbers, engines, spec, state, table
from bench.sweep._cell import OK, Cell, Outcome
from bench.sweep.state import Sweep

DEFAULT = "local"
_FOLDER = "sweep-"


def run(
    file: Path,
    out: Path | None,
    *,
    engine: str = DEFAULT,
    scheduler: str | None = None,
    seed: int = 1,
    progress: Progress,
) -> tuple[Path, dict[str, Any]]:
    """Run the cells of ``file`` that ``out`` lacks; the folder and the document.

    ``out`` is by default ``results/sweep-<name>``; where it is there already the sweep
    goes on in it. ``seed`` fixes the order. Raises UserError before anything starts for
    whatever is wrong with the file, the folder or the engine.
    """
    wanted = spec.read(file)
    module = _engine(engine)
    # Refuses what it cannot do before there is a folder.
    module.create(engines.Options(file.parent, wanted.attempts, scheduler))
    cells = spec.cells(wanted, file)
    order = list(cells)
    random.Random(seed).shuffle(order)
    if out is None:
        with writing(RESULTS):
            RESULTS.mkdir(exist_ok=True)
        out = RESULTS / f"{_FOLDER}{wanted.name}"
    with Sweep.begin(out, wanted, order, seed) as sweep:
        lacking = [cell for cell in order if not sweep.finished(cell.key)]
        tell = _Told(progress, len(cells), len(lacking))
        options = engines.Options(
            sweep.scratch, wanted.attempts, scheduler, note=tell.note
        )
        _execute(module.create(options), lacking, sweep, tell)
        document = _document(sweep, wanted, cells, seed)
        _show(sweep, document)
    return sweep.path, document


def _engine(name: str) -> Any:
    found = engines.load()
    if name not in found:
        raise UserError(
            f"{name!r} is not an engine",
            field="--engine",
            remedy=f"choose one of {', '.join(found)}",
        )
    return found[name]


class _Told:
    """Progress of a sweep; the time that is left is told by the cells of this command,
    not by those that had finished before."""

    def __init__(self, progress: Progress, total: int, lacking: int) -> None:
        self.kept = 0
        self._progress, self._total, self._lacking = progress, total, lacking
        self._bad = 0
        progress.expect(steps=lacking or 1)
        before = total - lacking
        found = f", {before:,} of them finished before" if before else ""
        self.note(f"{total:,} cells{found}")

    def ended(self, outcome: Outcome) -> None:
        """One more cell has."""
        self.kept += 1
        self._bad += outcome.status != OK
        failed = f", {self._bad:,} not ok" if self._bad else ""
        done = self._total - self._lacking + self.kept
        self.note(f"cell {done:,} of {self._total:,}{failed}")

    def note(self, text: str) -> None:
        """Show ``text`` beside how far it is."""
        self._progress.at(self.kept / max(self._lacking, 1), text)


def _execute(
    engine: engines.Engine, cells: Sequence[Cell], sweep: Sweep, told: _Told
) -> None:
    """Run ``cells``. Raises BenchError for an engine that does not keep each once."""

    def keep(cell: Cell, outcome: Outcome, folder: Path) -> None:
        sweep.keep(cell, outcome, folder)
        told.ended(outcome)

    if cells:
        engine.run(cells, keep)
    if told.kept != len(cells):
        raise BenchError(f"the engine kept {told.kept:,} of {len(cells):,} cells")


def _document(
    sweep: Sweep, wanted: spec.Spec, cells: list[Cell], seed: int
) -> dict[str, Any]:
    """What the sweep found, its cells in the order of the file."""
    rows = []
    for cell in cells:
        record = sweep.record(cell.key)
        if record is None:
            raise UserError(
                "has gone", file=sweep.path / state.CELLS / cell.key,
                remedy="give the same command again",
            )  # fmt: skip
        # The file may have been put into another order since.
        rows.append(record | {"place": cell.place})
    return {
        "name": wanted.name,
        "verb": wanted.verb,
        "notebook": wanted.notebook,
        "seed": seed,
        "spec": private_values(msgspec.to_builtins(wanted)),
        "hosts": sorted({row["host"] for row in rows}),
        "cells": rows,
        **_numbers.found(rows, sweep.path),
    }


def _show(sweep: Sweep, document: dict[str, Any]) -> None:
    """Write the table and the report, which can be made again from the cells."""
    from bench.report import _sweep

    rows = table.frame(document["cells"], sweep.path)
    sweep.save("table.csv", table.csv(rows))
    sweep.save("table.parquet", table.parquet(rows))
    _sweep.write(sweep.path, document)
