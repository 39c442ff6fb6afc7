"""Files are written whole or not at all, and read with errors that help."""

from __future__ import annotations

import hashlib
import os
import shlex
import tempfile
from pathlib import Path

from bench.errors import UserError, writing


def write_whole(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` in one step, durable before it is visible.

    A reader sees the old bytes or the new ones, never a part; a crash leaves at most
    a hidden temporary file. Raises UserError when the disk refuses.
    """
    with writing(path):
        # The longest name that a file can have leaves no room for more of it.
        known = os.fsdecode(os.fsencode(path.name)[:200])
        handle, name = tempfile.mkstemp(prefix=f".{known}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def check_free(path: Path) -> None:
    """Raise UserError unless something can be made at ``path``, given as --out.

    Nothing may be there, not even a dangling link, and its folder must exist.
    """
    path = path.absolute()
    if os.path.lexists(path):
        kind = "folder" if path.is_dir() else "file"
        raise UserError(
            f"exists already, as a {kind}",
            file=path,
            field="--out",
            remedy="name a path that does not exist; results are never overwritten",
        )
    above = next(folder for folder in path.parents if os.path.lexists(folder))
    if not above.is_dir():
        raise UserError(
            f"{above} is a file, not a folder",
            file=path,
            field="--out",
            remedy="name another place",
        )
    if above != path.parent:
        raise UserError(
            f"{path.parent} is not a folder",
            file=path,
            field="--out",
            remedy=f"create it first: mkdir -p {shlex.quote(str(path.parent))}",
        )


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256 of ``data``."""
    return hashlib.sha256(data).hexdigest()


def read_input(path: Path, *, what: str, limit: int) -> bytes:
    """Bytes of a user's file of at most ``limit`` bytes.

    Raises UserError when it is missing, not a file, unreadable, empty or too large;
    the size is checked before a byte is read.
    """
    try:
        if not path.is_file():
            raise UserError(kind_of(path), file=path, remedy=f"name {what}")
        size = path.stat().st_size
        if size > limit:
            raise UserError(
                f"is {size:,} bytes, more than the {limit:,} that are accepted",
                file=path,
                remedy=f"name {what} of at most {limit // 2**20} MiB",
            )
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"cannot be read: {error.strerror}",
            file=path,
            remedy="check the path and its permissions",
        ) from error
    if not data:
        raise UserError("is empty", file=path, remedy=f"name {what}")
    return data


def kind_of(path: Path) -> str:
    """Why ``path`` is no file that can be read, in words."""
    if path.is_dir():
        return "is a folder"
    return "is not a regular file" if path.exists() else "does not exist"
