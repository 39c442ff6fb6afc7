"""The folder of a sweep, which is all that is known of it.

    sweep.json      what was asked last: the file, seed, order, code, and every cell
    machine.json    facts of the driver's machine
    cells/<key>/    a cell that has finished, well or not: cell.json and what it left
    lost/<key>/     the last attempt at one that the machine failed; it is tried again
    table.csv, table.parquet, report.html, figures/

A cell's folder appears by rename, with its record in it, once the cell has ended; so
there is no list beside the folders that ``kill -9`` could leave behind them. Nothing in
``cells`` is ever rewritten: a cell is tried again when its folder is removed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import msgspec
import orjson

from bench import machine
from bench.errors import BenchError, UserError, writing
from bench.files import check_free, write_whole
from bench.paths import ROOT, private_values
from bench.store._holding import Holding
from bench.sweep import _keys
from bench.sweep._cell import LOST, Cell, Outcome
from bench.sweep.spec import Spec

SCHEMA = 1
SWEEP = "sweep.json"
CELL = "cell.json"
CELLS = "cells"
_LOST = "lost"
_SCRATCH = ".scratch-"
_INDENTED = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE

Record = dict[str, Any]


class Sweep:
    """A sweep's folder. The process that opened it holds it until ``close``."""

    def __init__(self, path: Path, holding: Holding) -> None:
        """Use ``begin`` instead."""
        self.path = path
        self.scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=path))
        self._holding = holding

    @classmethod
    def begin(cls, path: Path, spec: Spec, cells: list[Cell], seed: int) -> Self:
        """Hold the sweep in ``path``, a new folder or one of the same name.

        ``cells`` are in the order in which they shall run. Raises UserError for a
        folder that is another sweep or none, or that another process holds.
        """
        path = path.absolute()
        if not os.path.lexists(path):
            _appear(path, spec, cells, seed)
        _check_same(path, spec.name)
        holding = Holding.take(path)
        with writing(path):
            sweep = cls(path, holding)
        # What killed drivers left; their cells have ended with them.
        for debris in path.glob(f"{_SCRATCH}*"):
            if debris != sweep.scratch:
                shutil.rmtree(debris, ignore_errors=True)
        sweep.save(SWEEP, _asked(spec, cells, seed))
        return sweep

    def finished(self, key: str) -> bool:
        """Whether the cell has ended, well or not."""
        return (self.path / CELLS / key).is_dir()

    def record(self, key: str) -> Record | None:
        """How the cell ended, None where it has not: the fields of an Outcome, those of
        its Cell, and its ``folder`` relative to the sweep.

        Raises UserError for a record that was damaged.
        """
        for place in (CELLS, _LOST):
            path = self.path / place / key / CELL
            if path.is_file():
                return _read(path) | {"folder": f"{place}/{key}"}
        return None

    def keep(self, cell: Cell, outcome: Outcome, folder: Path) -> None:
        """Move what ``cell`` left in ``folder`` to its place, with its record.

        Raises UserError when the disk refuses, or when the code is not what it was as
        the sweep began: nobody knows which of both the cell has run. BenchError for a
        cell that had ended before.
        """
        self._check_code()
        record = asdict(cell) | asdict(outcome)
        write_whole(folder / CELL, _json({"schema": SCHEMA, **private_values(record)}))
        lost = outcome.status == LOST
        target = self.path / (_LOST if lost else CELLS) / cell.key
        with writing(target):
            target.parent.mkdir(exist_ok=True)
            if self.finished(cell.key):
                raise BenchError(f"cell {cell.key} has ended before")
            shutil.rmtree(self.path / _LOST / cell.key, ignore_errors=True)
            _sync(folder)
            folder.rename(target)

    def save(self, name: str, value: Any) -> None:
        """Write one file, whole: bytes as they are, anything else as JSON."""
        data = value if isinstance(value, bytes) else _json(value)
        write_whole(self.path / name, data)

    def close(self) -> None:
        """Let go of the folder."""
        for debris in self.path.glob(f"{_SCRATCH}*"):
            shutil.rmtree(debris, ignore_errors=True)
        self._holding.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_code(self) -> None:
        if _keys.digest_of_code() != _keys.code():
            raise UserError(
                "changed while the sweep ran",
                file=ROOT,
                field=", ".join(_keys.CODE),
                remedy="give the same command again; cells of the old code are kept",
            )


def _sync(folder: Path) -> None:
    """Have all files of ``folder`` on the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())


def _appear(path: Path, spec: Spec, cells: list[Cell], seed: int) -> None:
    """Build the folder beside its place, and rename it there."""
    check_free(path)
    with writing(path):
        hidden = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            hidden.chmod(0o755)
            (hidden / CELLS).mkdir()
            write_whole(hidden / SWEEP, _json(_asked(spec, cells, seed)))
            write_whole(hidden / "machine.json", _json(machine.collect()))
            hidden.rename(path)
        except BaseException as error:
            shutil.rmtree(hidden, ignore_errors=True)
            # Where another driver was quicker, it holds the folder, which is told next.
            if not isinstance(error, OSError) or not (path / SWEEP).is_file():
                raise


def _check_same(path: Path, name: str) -> None:
    if not (path / SWEEP).is_file():
        raise UserError(
            "exists already, and is not a sweep",
            file=path,
            field="--out",
            remedy="name a path that does not exist, or the folder of this sweep",
        )
    found = _read(path / SWEEP)
    if found.get("schema") != SCHEMA or found.get("name") != name:
        raise UserError(
            f"holds the sweep {str(found.get('name'))!r}, not {name!r}",
            file=path / SWEEP,
            field="name",
            remedy="name another folder with --out",
        )


def _asked(spec: Spec, cells: list[Cell], seed: int) -> Record:
    """What ``sweep.json`` holds; ``order`` is that of a sweep without interruption."""
    return {
        "schema": SCHEMA,
        "name": spec.name,
        "seed": seed,
        "host": _keys.host(),
        "code": _keys.code(),
        "spec": private_values(msgspec.to_builtins(spec)),
        "order": [cell.key for cell in cells],
        "cells": {
            cell.key: {
                "place": cell.place,
                "parameters": private_values(cell.parameters),
            }
            for cell in sorted(cells, key=lambda each: each.place)
        },
    }


def _read(path: Path) -> Record:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(
            f"cannot be read: {error}",
            file=path,
            remedy="restore it, or remove its folder",
        ) from error
    if not isinstance(found, dict):
        raise UserError(
            "is no JSON object", file=path, remedy="restore it, or remove its folder"
        )
    return found


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=_INDENTED)
