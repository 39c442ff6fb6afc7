"""Small file systems that can be filled."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FILLER = "filler"


@contextmanager
def small(folder: Path, size: str = "2m") -> Iterator[Path | None]:
    """A tmpfs of ``size`` mounted on the new ``folder``; None where none can be."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if sys.platform != "linux" or shutil.which("mount") is None:
        yield None
        return
    if subprocess.run(command, capture_output=True).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607


def fill(folder: Path) -> None:
    """Write until the file system of ``folder`` takes not one byte more."""
    with (folder / _FILLER).open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(bytes(4096)):
            pass


def clear(folder: Path) -> None:
    """Remove what ``fill`` wrote."""
    (folder / _FILLER).unlink(missing_ok=True)


def find(driver, folder):
    """The driver; the run must have been made, which another test is about."""
    return [driver] if folder.exists() else []


def strike(process, folder):
    """Leave not one byte."""
    fill(folder.parent)


def heal(folder):
    """Remove what filled it."""
    clear(folder.parent)
