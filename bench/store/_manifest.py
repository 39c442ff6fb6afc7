"""The manifest of a run: its one mutable record, changed in whole steps.

Several processes write one run: the batch driver and the kernels of the notebooks.
Each change is read, made and renamed into place under a lock, so that neither a second
writer nor ``kill -9`` leaves less than a whole manifest. The same lock guards appended
rows: the manifest says how many bytes of each file count, and what lies behind them is
the debris of a writer that died.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from bench.errors import BenchError, UserError, writing
from bench.files import write_whole
from bench.paths import ROOT

SCHEMA = 1
NAME = "manifest.json"
UNFINISHED = "unfinished"

Manifest = dict[str, Any]


def read(folder: Path) -> Manifest:
    """Manifest of a run. Raises UserError when there is none that can be read."""
    path = folder / NAME
    try:
        manifest = orjson.loads(path.read_bytes())
        schema = manifest["schema"]
    except OSError as error:
        raise UserError(
            f"is not a run: {error.strerror}",
            file=path,
            remedy="name a folder that `bench list runs` shows",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"is not the manifest of a run: {error}",
            file=path,
            remedy="restore this file, or leave this run out",
        ) from error
    if schema != SCHEMA:
        raise UserError(
            f"{schema!r} is not known; this version reads {SCHEMA}",
            file=path,
            field="schema",
            remedy="read this run with the version of the workbench that wrote it",
        )
    found: Manifest = manifest
    return found


def write(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step; the caller holds the lock."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    write_whole(folder / NAME, orjson.dumps(manifest, option=options))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other writers of this run out, threads of this process included.

    Raises UserError when the folder has been removed.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UserError(
            f"the run has gone: {error.strerror}",
            file=folder,
            remedy="leave the folder alone while it is written, and start a new run",
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        # A process forked meanwhile shares the lock: closing alone would keep it.
        fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


@contextmanager
def changing(folder: Path) -> Iterator[Manifest]:
    """The manifest to change in place; it is written when the block ends well.

    Raises BenchError when the run is sealed.
    """
    with locked(folder):
        manifest = read(folder)
        if manifest["status"] != UNFINISHED:
            raise BenchError(f"run {manifest['run']} is sealed and never rewritten")
        yield manifest
        write(folder, manifest)


def append(path: Path, committed: int, data: bytes) -> int:
    """Make ``data`` durable behind the ``committed`` bytes of ``path``.

    Returns the new count of committed bytes, which the caller must record under the
    same lock. On a disk error the file keeps its committed bytes: UserError.
    """
    with writing(path):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.ftruncate(handle, committed)
            _write_all(handle, data)
            os.fsync(handle)
        except BaseException:
            with suppress(OSError):
                os.ftruncate(handle, committed)
            raise
        finally:
            os.close(handle)
    return committed + len(data)


def _write_all(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


def provenance() -> dict[str, Any]:
    """Commit, whether tracked files differ from it, and the hashes of both locks.

    Each is None where it is unknown: no git, no repository, no lock file.
    """
    commit = _git("rev-parse", "--show-toplevel", "HEAD")
    top, _, sha = (commit or "").partition("\n")
    # A checkout without its own .git may lie in somebody else's repository.
    if not sha or Path(top).resolve() != ROOT:
        sha, dirty = "", None
    else:
        dirty = bool(_git("status", "--porcelain", "--untracked-files=no"))
    return {
        "commit": sha or None,
        "dirty": dirty,
        "lock": _digest(ROOT / "requirements.lock"),
        "worker_lock": _digest(ROOT / "worker" / "package-lock.json"),
    }


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
