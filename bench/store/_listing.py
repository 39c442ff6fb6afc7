"""The runs of a folder, in one pass over their manifests.

The folder of results is the catalogue: there is no index that could be wrong. A listing
reads one small file per run and nothing else, and of that only what it shows, so ten
thousand runs take about half a second.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bench.errors import UserError
from bench.store import _holding, _manifest


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of ``bench list runs``.

    ``state`` is running, interrupted, finished, failed, or unreadable (then ``why``
    says what is wrong and the rest is blank); ``folder`` is relative to the root that
    was listed. ``why`` also says that ``created`` is in doubt.
    """

    run: str
    folder: str
    state: str
    created: str = ""
    profile: str = ""
    host: str = ""
    cells_finished: int = 0
    cells_failed: int = 0
    notebooks_ok: int = 0
    notebooks_failed: int = 0
    why: str = ""
    command: str = ""
    commit: str = ""


class _Cell(msgspec.Struct):
    state: str


class _Notebook(msgspec.Struct):
    status: str


class _Listed(msgspec.Struct):
    """What a listing shows of a manifest; the rest is skipped and not built."""

    schema: int
    run: str
    status: str
    created: str
    profile: str
    host: str
    cells: dict[str, _Cell]
    notebooks: dict[str, _Notebook]
    command: str = ""
    commit: str | None = None
    after: str | None = None


_LISTED = msgspec.json.Decoder(_Listed)
_SET_BACK = "made after an earlier run whose time is later: the clock was set back"
_Place = tuple[str, bool, str]


def list_runs(root: Path) -> list[RunSummary]:
    """Runs in ``root``, oldest first; empty when there is no such folder."""
    try:
        with os.scandir(root) as entries:
            folders = [entry for entry in entries if not entry.name.startswith(".")]
    except FileNotFoundError:
        return []
    runs = [_summary(entry.path, entry.name) for entry in folders if entry.is_dir()]
    found = [run for run in runs if run is not None]
    return [run for _, run in sorted(found, key=lambda each: each[0])]


def _summary(path: str, name: str) -> tuple[_Place, RunSummary] | None:
    try:
        with open(os.path.join(path, _manifest.NAME), "rb") as stream:  # noqa: PTH118, PTH123 - in a loop over all runs
            manifest = _LISTED.decode(stream.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        return _unreadable(name, _why(Path(path), error))
    if manifest.schema != _manifest.SCHEMA:
        return _unreadable(name, _why(Path(path), None))
    summary = _counted(manifest, path, name)
    if manifest.after is None:
        return (summary.created, False, summary.run), summary
    # Behind the run that was made before it, not where its own time would have it.
    return (manifest.after, True, summary.run), replace(summary, why=_SET_BACK)


def _unreadable(name: str, why: str) -> tuple[_Place, RunSummary]:
    return ("", False, name), RunSummary(name, name, "unreadable", why=why)


def _why(folder: Path, error: Exception | None) -> str:
    """What is wrong with a manifest, as whoever opens the run is told."""
    try:
        _manifest.read(folder)
    except UserError as told:
        return told.message
    return f"its manifest is damaged: {error}"


def _counted(manifest: _Listed, path: str, name: str) -> RunSummary:
    cells = Counter([cell.state for cell in manifest.cells.values()])
    notebooks = Counter([book.status for book in manifest.notebooks.values()])
    return RunSummary(
        run=manifest.run,
        folder=name,
        state=_state(manifest.status, path),
        created=manifest.created,
        profile=manifest.profile,
        host=manifest.host,
        cells_finished=cells["finished"],
        cells_failed=cells["failed"],
        notebooks_ok=notebooks["ok"],
        notebooks_failed=notebooks["failed"],
        command=manifest.command,
        commit=manifest.commit or "",
    )


def _state(status: str, path: str) -> str:
    if status != _manifest.UNFINISHED:
        return status
    return "running" if _holding.held(path) else "interrupted"
