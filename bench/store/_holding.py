"""Who is writing a run, told by a lock that dies with its process.

A process identifier in a file would outlive ``kill -9`` and name a stranger later; the
kernel drops an flock with the process that holds it, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from bench.errors import UserError

NAME = ".lock"
PATIENCE_S = 1.0


class Holding:
    """The lock that marks a run as running; it is released by ``release``."""

    def __init__(self, handle: int) -> None:
        """Use ``take`` instead."""
        self._handle = handle

    @classmethod
    def take(cls, folder: Path) -> Holding:
        """Hold the run in ``folder``. Raises UserError when another process does."""
        handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o644)
        deadline = time.monotonic() + PATIENCE_S
        while not _lock(handle, fcntl.LOCK_EX):
            # A listing looks for an instant; a real holder stays.
            if time.monotonic() > deadline:
                holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
                os.close(handle)
                raise UserError(
                    f"another process is writing here{holder and f', {holder}'}",
                    file=folder,
                    remedy="wait until it ends, or end it",
                )
            time.sleep(0.01)
        # Only a message for people: whether the run is held, the lock alone tells.
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        return cls(handle)

    def release(self) -> None:
        """Let go, also on behalf of processes that were forked meanwhile."""
        with suppress(OSError):
            fcntl.flock(self._handle, fcntl.LOCK_UN)
            os.close(self._handle)


def held(folder: str | os.PathLike[str]) -> bool:
    """Whether some process holds the run in ``folder``."""
    try:
        handle = os.open(os.path.join(folder, NAME), os.O_RDONLY)  # noqa: PTH118 - in a loop over all runs
    except OSError:
        return False
    try:
        # Shared, so that two listings at once do not see each other.
        return not _lock(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


def _lock(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
