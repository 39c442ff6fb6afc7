"""What a history needs of one run, kept so that its samples are read once.

A run is never rewritten, so its summary is a file in `.cache/history/` of the checkout,
named by the run's id. As in git's index it counts while size and time of
``samples.parquet`` are what they were, and otherwise while its SHA-256 is; deleting the
folder loses nothing but time.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bench.measure.compare import CONTROL
from bench.measure.statistics import mean_interval
from bench.paths import ROOT
from bench.store import Run
from bench.store._manifest import UNFINISHED
from bench.verdict import _alike, _cells
from bench.verdict.evidence import PARTS

if TYPE_CHECKING:
    import pandas as pd

FOLDER = ROOT / ".cache" / "history"
# Raised whenever the same samples give another summary.
VERSION = 1
_SAMPLES = "samples.parquet"
_COLUMNS = (*PARTS, "cell", "process", "seq", "metric", "unit", "value")


class Estimate(msgspec.Struct, frozen=True, array_like=True):
    """CPU in ms: the mean over ``n`` process groups, with its 95 % interval, whose
    ends are None for a single group."""

    ms: float
    low: float | None
    high: float | None
    n: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One run: when, by what, where, with which inputs, and its cells by name."""

    run: str
    created: str
    command: str
    profile: str
    seed: int
    commit: str | None
    host: str
    options: dict[str, Any]
    fixtures: dict[str, str]
    machine: dict[str, Any]
    software: dict[str, str | None]
    cells: dict[str, Estimate]


class _Entry(msgspec.Struct, frozen=True):
    version: int
    size: int
    mtime_ns: int
    sha256: str
    summary: Summary


def summarise(run: Run) -> Summary:
    """The summary of a run, from its samples."""
    manifest, machine = run.manifest, run.machine
    sealed = manifest["status"] != UNFINISHED
    samples = _frame(run.path / _SAMPLES) if sealed else run.samples()
    return Summary(
        run=manifest["run"],
        created=manifest["created"],
        command=manifest["command"],
        profile=manifest["profile"],
        seed=manifest["seed"],
        commit=manifest["commit"],
        host=manifest["host"],
        options=manifest["parameters"].get("options") or {},
        fixtures=manifest["fixtures"],
        machine=_alike.machine(machine),
        software={name: machine.get(name) for name in ("python", "workerd", "v8")},
        cells={
            name: _estimate(cell.values)
            for name, cell in _cells.read(samples).items()
            if cell.parts["variant"] != CONTROL
        },
    )


def _estimate(values: list[float]) -> Estimate:
    found = mean_interval(values)
    sure = found.n > 1
    return Estimate(
        found.value, found.low if sure else None, found.high if sure else None, found.n
    )


def read(folder: Path, run: str) -> Summary:
    """The summary of the finished run called ``run`` in ``folder``, kept or made.

    Raises UserError where the run is damaged, OSError where it has no samples.
    """
    samples = folder / _SAMPLES
    state = samples.stat()
    place = FOLDER / f"{hashlib.sha256(run.encode()).hexdigest()[:24]}.msgpack"
    known = _kept(place)
    if known and (known.size, known.mtime_ns) == (state.st_size, state.st_mtime_ns):
        return known.summary
    digest = hashlib.sha256(samples.read_bytes()).hexdigest()
    same = known is not None and known.sha256 == digest
    summary = known.summary if known and same else summarise(Run.open(folder))
    entry = _Entry(VERSION, state.st_size, state.st_mtime_ns, digest, summary)
    _keep(place, msgspec.msgpack.encode(entry))
    return summary


def _frame(path: Path) -> pd.DataFrame:
    """Samples of a sealed run, less what is the same in all of its rows.

    A run has few rows, and there are thousands of runs: threads, and what a file says
    for pandas, would take longer than the rows.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        table = file.read(columns=[*_COLUMNS], use_threads=False)
    frame: pd.DataFrame = table.replace_schema_metadata(None).to_pandas(
        use_threads=False
    )
    return frame


def _kept(place: Path) -> _Entry | None:
    try:
        entry = msgspec.msgpack.decode(place.read_bytes(), type=_Entry)
    except (OSError, msgspec.DecodeError):
        return None
    return entry if entry.version == VERSION else None


def _keep(place: Path, data: bytes) -> None:
    """Whole or not at all; a cache that cannot be written is only slow, and one that a
    power cut takes is made again, so nothing waits for the disk."""
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
            Path(name).replace(place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
