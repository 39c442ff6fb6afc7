"""Run directories: what was measured, kept so that no crash loses what had finished.

A run is a folder that appears complete, grows a cell at a time and is sealed. A cell's
rows are on the disk before the manifest calls it finished; rows of a cell that failed
or was killed do not count. Nothing in a sealed run is ever rewritten.

    manifest.json    what was asked, by which code, and the state of each cell
    machine.json     where
    samples.parquet  raw samples (samples.jsonl until the run is sealed)
    errors.jsonl     one line for each failed cell or notebook
    profiles/ figures/ notebooks/ report.html
"""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Self

import orjson

from bench.errors import BenchError, UserError, writing
from bench.files import write_whole
from bench.paths import private, private_values
from bench.store import _creation, _manifest, _samples
from bench.store._creation import ERRORS, MACHINE
from bench.store._holding import Holding

if TYPE_CHECKING:
    import pandas as pd

# Names the run that a notebook writes into, relative to the checkout.
RUN_VARIABLE = "WORKBENCH_RUN"
_OWN = {_manifest.NAME, MACHINE, ERRORS, _samples.LINES, _samples.SEALED}


def cell_id(key: dict[str, Any]) -> str:
    """Short name of a cell: 12 hexadecimal digits over its canonical JSON key."""
    canonical = orjson.dumps(key, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()[:12]


class Cell:
    """Rows of one thing measured, held back until it has succeeded."""

    def __init__(self, key: dict[str, Any], common: dict[str, Any]) -> None:
        self.key = key
        self.id = cell_id(key)
        shared = {name: key[name] for name in _samples.COLUMNS if name in key}
        self._common = shared | common | {"cell": self.id}
        self.lines: list[bytes] = []

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add samples. A row names metric, unit and value; its other columns default
        to those of the cell's key, then to blanks. Raises BenchError for a bad row.
        """
        self.lines += _samples.encode(rows, self._common)


class Run:
    """One run directory. The process that made it holds it until ``close``."""

    def __init__(self, path: Path, holding: Holding | None = None) -> None:
        """Use ``create``, ``open`` or ``resume`` instead."""
        self.path = path
        self._holding = holding
        manifest = _manifest.read(path)
        self.id: str = manifest["run"]
        self.host: str = manifest["host"]

    @classmethod
    def create(
        cls,
        out: Path | None,
        *,
        argv: list[str],
        seed: int,
        profile: str,
        parameters: dict[str, Any],
        fixtures: dict[str, str],
        program: str = "bench",
    ) -> Run:
        """A new run in ``out``, or in ``results/<utc>-<id>`` where that is None.

        ``argv`` is what followed ``program`` on the command line, ``fixtures`` maps
        the name of each input to its SHA-256. The folder appears
        complete, by rename. Raises UserError when ``out`` exists or its parent is not
        a folder that can be written.
        """
        path, holding = _creation.create(
            out,
            argv=argv,
            seed=seed,
            profile=profile,
            parameters=parameters,
            fixtures=fixtures,
            program=program,
        )
        return cls(path, holding)

    @classmethod
    def open(cls, path: Path) -> Run:
        """A run to read or, while it is unfinished, to write beside its holder.

        Raises UserError when ``path`` is no run, or one of a newer version.
        """
        return cls(path.absolute())

    @classmethod
    def resume(cls, path: Path) -> Run:
        """Hold an interrupted run again, to add the cells that it lacks.

        Raises UserError when it is finished or another process holds it.
        """
        run = cls.open(path)
        if run.sealed:
            raise UserError(
                "is finished", file=path, remedy="start a new run; this one is kept"
            )
        run._holding = Holding.take(run.path)
        return run

    @property
    def manifest(self) -> dict[str, Any]:
        """What the manifest says now; a change to it is not written."""
        return _manifest.read(self.path)

    @property
    def machine(self) -> dict[str, Any]:
        """Facts of the machine that the run was made on (``bench.machine``)."""
        facts: dict[str, Any] = orjson.loads((self.path / MACHINE).read_bytes())
        return facts

    @property
    def sealed(self) -> bool:
        """Whether the run is finished and thus never written again."""
        return bool(self.manifest["status"] != _manifest.UNFINISHED)

    def done(self, key: dict[str, Any]) -> bool:
        """Whether this cell has finished; a failed one has not."""
        entry = self.manifest["cells"].get(cell_id(key))
        return entry is not None and entry["state"] == "finished"

    @contextmanager
    def cell(self, key: dict[str, Any]) -> Iterator[Cell]:
        """Measure one cell: ``with run.cell(key) as cell: cell.add(rows)``.

        When the block ends well its rows are made durable and the cell is finished.
        An exception is recorded, the cell has failed without samples, and the
        exception goes on. An interruption records nothing. Raises UserError when the
        disk refuses, BenchError when the cell has finished before.
        """
        cell = Cell(key, {"run": self.id, "host": self.host})
        if self.done(key):
            raise BenchError(f"cell {cell.id} {key} has finished before")
        start = time.perf_counter()
        try:
            yield cell
        except Exception as error:
            # A full disk must not hide what went wrong in the first place.
            with suppress(UserError):
                self._fail(cell, error, time.perf_counter() - start)
            raise
        self._finish(cell, time.perf_counter() - start)

    def samples(self) -> pd.DataFrame:
        """Raw samples of the finished cells, one a row, as ``_samples.COLUMNS``."""
        manifest = self.manifest
        if manifest["status"] != _manifest.UNFINISHED:
            return _samples.sealed_frame(self.path)
        return _samples.frame(self.path, manifest["bytes"][_samples.LINES])

    def errors(self) -> list[dict[str, Any]]:
        """What failed and has not succeeded since, oldest first.

        ``{at, cell, key, notebook, type, message, trace}``; ``cell`` is blank for
        what is not about one cell, ``notebook`` likewise.
        """
        manifest = self.manifest
        blocks = _samples.lines(self.path / ERRORS, manifest["bytes"][ERRORS])
        found = [orjson.loads(line) for block in blocks for line in block]
        cells = manifest["cells"]
        return [
            error
            for error in found
            if not error["cell"] or cells[error["cell"]]["state"] == "failed"
        ]

    def save(self, name: str, data: bytes) -> Path:
        """Write one file of the run, whole; ``name`` is relative, with ``/``.

        Returns its path. Raises BenchError when the run is sealed or the name is
        not one that a caller may write.
        """
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or str(parts) in {*_OWN, "."}:
            raise BenchError(f"{name!r} is not a file to save in a run")
        path = self.path / parts
        with _manifest.changing(self.path):
            with writing(path):
                # One by one: the folder of a run that was removed is not made again.
                for folder in reversed(parts.parents[:-1]):
                    (self.path / folder).mkdir(exist_ok=True)
            write_whole(path, data)
        return path

    def notebook(
        self, name: str, status: str, seconds: float, output: str | None
    ) -> None:
        """Record the state of a notebook: running, ok, failed or interrupted.

        ``output`` is the executed copy's path, relative to the run.
        """
        entry = {"status": status, "seconds": round(seconds, 3), "output": output}
        with _manifest.changing(self.path) as manifest:
            manifest["notebooks"][name] = entry

    def record_error(self, error: BaseException, *, notebook: str = "") -> None:
        """Append what is not about one cell to errors.jsonl."""
        with _manifest.changing(self.path) as manifest:
            self._append_error(manifest, error, notebook=notebook)

    def seal(self, status: str = "finished") -> None:
        """Finish the run as ``finished`` or ``failed``, and let go of it.

        Samples become Parquet, then the manifest says so; killed in between, the run
        is still whole and unfinished. Raises BenchError when it is sealed already.
        """
        if status not in {"finished", "failed"}:
            raise BenchError(f"a run ends finished or failed, not {status!r}")
        with _manifest.changing(self.path) as manifest:
            _samples.seal(self.path, manifest["bytes"][_samples.LINES])
            manifest["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
            manifest["status"] = status
        (self.path / _samples.LINES).unlink(missing_ok=True)
        self.close()
        # Hidden files are the lock and what killed writers left behind.
        for debris in [path for path in self.path.rglob(".*") if path.is_file()]:
            debris.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the run. Unless it is sealed it now counts as interrupted."""
        if self._holding is not None:
            self._holding.release()
            self._holding = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _finish(self, cell: Cell, seconds: float) -> None:
        with _manifest.changing(self.path) as manifest:
            before = manifest["cells"].get(cell.id)
            if before is not None and before["state"] == "finished":
                raise BenchError(f"cell {cell.id} was finished by another process")
            committed = manifest["bytes"]
            committed[_samples.LINES] = _manifest.append(
                self.path / _samples.LINES,
                committed[_samples.LINES],
                b"".join(cell.lines),
            )
            _note(manifest, cell, "finished", len(cell.lines), seconds)

    def _fail(self, cell: Cell, error: Exception, seconds: float) -> None:
        with _manifest.changing(self.path) as manifest:
            self._append_error(manifest, error, cell=cell)
            _note(manifest, cell, "failed", 0, seconds)

    def _append_error(
        self,
        manifest: _manifest.Manifest,
        error: BaseException,
        *,
        cell: Cell | None = None,
        notebook: str = "",
    ) -> None:
        line = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "cell": cell.id if cell else "",
            "key": private_values(cell.key) if cell else {},
            "notebook": notebook,
            "type": type(error).__name__,
            "message": private(str(error)),
            "trace": private("".join(traceback.format_exception(error))),
        }
        manifest["bytes"][ERRORS] = _manifest.append(
            self.path / ERRORS,
            manifest["bytes"][ERRORS],
            orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE),
        )


def _note(
    manifest: _manifest.Manifest, cell: Cell, state: str, rows: int, seconds: float
) -> None:
    manifest["order"].append(cell.id)
    manifest["cells"][cell.id] = {
        "key": private_values(cell.key),
        "state": state,
        "rows": rows,
        "seconds": round(seconds, 3),
    }
