"""Every error that a user can meet, and the exit code that it ends with.

    BenchError               1  a fault of ours
    ├── UserError            2  bad input or usage; names file, field and remedy
    ├── NotComparableError   3  two results that must not be compared
    ├── CellsFailedError     4  some cells failed, the rest is kept
    ├── GateViolatedError    5  a budget is exceeded
    └── InconclusiveError    6  the measurement could not tell

130 is an interruption by the user; finished results are kept.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130


class BenchError(Exception):
    """Root of all errors that this package raises on purpose."""

    exit_code = 1


class UserError(BenchError):
    """Something the user can mend.

    ``message`` says what is wrong with the value in it, ``file`` and ``field`` say
    where (each may be absent), ``remedy`` says what to do.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        remedy: str,
        file: str | os.PathLike[str] | None = None,
        field: str | None = None,
    ) -> None:
        self.message = message
        self.remedy = remedy
        self.file = None if file is None else os.fspath(file)
        self.field = field
        super().__init__(str(self))

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.file, self.field) if part)
        head = f"{place}: {self.message}" if place else self.message
        return f"{head}\n  remedy: {self.remedy}"


class NotComparableError(BenchError):
    """Two runs differ in machine, fixtures or schema."""

    exit_code = 3


class CellsFailedError(BenchError):
    """At least one cell or notebook failed; what finished is kept."""

    exit_code = 4


class GateViolatedError(BenchError):
    """A measured value exceeds its budget."""

    exit_code = 5


class InconclusiveError(BenchError):
    """A control failed or an interval is too wide to tell."""

    exit_code = 6


_DISK = {
    errno.ENOSPC: (
        "no space is left on the disk",
        "free some space, or name another folder with --out",
    ),
    errno.EDQUOT: (
        "the disk quota is used up",
        "free some space, or name another folder with --out",
    ),
    errno.EACCES: ("permission denied", "make it writable, or name another place"),
    errno.EPERM: ("permission denied", "make it writable, or name another place"),
    errno.EROFS: (
        "the file system is read-only",
        "name a place on a writable one with --out",
    ),
    errno.EEXIST: (
        "a file stands where a folder must be",
        "move it away, or name another place",
    ),
    errno.ENOTDIR: (
        "a part of this path is a file, not a folder",
        "name another place",
    ),
    errno.EFBIG: (
        "the file would exceed the size limit of this process",
        "raise `ulimit -f`",
    ),
}


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def full_disk(error: OSError) -> UserError | None:
    """What to tell of a full disk, wherever it was met; None for any other error.

    Where the error names no file it is taken for one of the temporary folder.
    """
    if error.errno not in _FULL:
        return None
    import tempfile

    message, remedy = _DISK[error.errno]
    if error.errno != errno.EFBIG:
        remedy = "free some space, or name another folder in TMPDIR"
    place = error.filename or tempfile.gettempdir()
    return UserError(message, file=place, remedy=remedy)


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn the failures of a disk into a UserError that names ``path``."""
    try:
        yield
    except OSError as error:
        message, remedy = _DISK.get(
            error.errno or 0,
            (f"cannot be written: {error.strerror or error}", "name another place"),
        )
        raise UserError(message, file=path, remedy=remedy) from error
