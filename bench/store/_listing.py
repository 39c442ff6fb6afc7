"""The runs of a folder, in one pass over their manifests.

The folder of results is the catalogue: there is no index that could be wrong. A listing
reads one small file per run and nothing else, so ten thousand runs take about a second.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UserError
from bench.store import _holding, _manifest


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of ``bench list runs``.

    ``state`` is running, interrupted, finished, failed, or unreadable (then ``why``
    says what is wrong and the rest is blank); ``folder`` is relative to the root that
    was listed.
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


def list_runs(root: Path) -> list[RunSummary]:
    """Runs in ``root``, oldest first; empty when there is no such folder."""
    try:
        with os.scandir(root) as entries:
            folders = [entry for entry in entries if not entry.name.startswith(".")]
    except FileNotFoundError:
        return []
    runs = [_summary(entry.path, entry.name) for entry in folders if entry.is_dir()]
    found = [run for run in runs if run is not None]
    return sorted(found, key=lambda run: (run.created, run.run))


def _summary(path: str, name: str) -> RunSummary | None:
    folder = Path(path)
    try:
        manifest = _manifest.read(folder)
    except UserError as error:
        if not (folder / _manifest.NAME).exists():
            return None
        return RunSummary(name, name, "unreadable", why=error.message)
    try:
        return _counted(manifest, path, name)
    except (KeyError, TypeError, AttributeError) as error:
        why = f"its manifest is damaged: {type(error).__name__} {error}"
        return RunSummary(name, name, "unreadable", why=why)


def _counted(manifest: _manifest.Manifest, path: str, name: str) -> RunSummary:
    cells = Counter(cell["state"] for cell in manifest["cells"].values())
    notebooks = Counter(book["status"] for book in manifest["notebooks"].values())
    return RunSummary(
        run=manifest["run"],
        folder=name,
        state=_state(manifest["status"], path),
        created=manifest["created"],
        profile=manifest["profile"],
        host=manifest["host"],
        cells_finished=cells["finished"],
        cells_failed=cells["failed"],
        notebooks_ok=notebooks["ok"],
        notebooks_failed=notebooks["failed"],
    )


def _state(status: str, path: str) -> str:
    if status != _manifest.UNFINISHED:
        return status
    return "running" if _holding.held(path) else "interrupted"
