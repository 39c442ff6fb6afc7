"""The private folder of the fork servers, and the sockets in it.

``.cache/kernels`` of the checkout, for its owner alone. Whoever can write there could
pose as a server, so the folder is checked each time, through a handle that cannot be
exchanged after the check. Names of sockets go through the same handle: the path of a
Unix socket may have 107 bytes, fewer than many a checkout's.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.paths import ROOT

FOLDER = ROOT / ".cache" / "kernels"


@contextmanager
def opened() -> Iterator[int]:
    """A handle of the folder, made where there is none.

    Raises PermissionError for a folder that is another user's or open to others,
    OSError where there can be none.
    """
    FOLDER.parent.mkdir(exist_ok=True)
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.fstat(handle)
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise PermissionError(f"{FOLDER} is not private")
        yield handle
    finally:
        os.close(handle)


@contextmanager
def locked() -> Iterator[None]:
    """Hold the lock of the folder: one caller at a time starts a server."""
    with opened() as folder:
        handle = os.open("lock", os.O_RDWR | os.O_CREAT, 0o600, dir_fd=folder)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def connect(name: str) -> socket.socket:
    """A connection to the server called ``name``. Raises OSError where none answers."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        with opened() as folder:
            connection.connect(_address(folder, name))
        if peer(connection)[1] != os.geteuid():
            raise PermissionError("the server is another user's")
    except BaseException:
        connection.close()
        raise
    return connection


def listen(name: str) -> socket.socket:
    """Listen as the server called ``name``; what a dead one left is replaced.

    Whoever started the caller holds the lock.
    """
    listener = socket.socket(socket.AF_UNIX)
    with opened() as folder:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        listener.bind(_address(folder, name))
    listener.listen(64)
    return listener


def place(name: str) -> int | None:
    """The inode of the socket called ``name``, None where there is none."""
    try:
        with opened() as folder:
            return os.stat(name, dir_fd=folder).st_ino
    except OSError:
        return None


def remove(name: str) -> None:
    """Remove the files of the server called ``name``."""
    for file in (name, f"{name}.log"):
        (FOLDER / file).unlink(missing_ok=True)


def peer(connection: socket.socket) -> tuple[int, int]:
    """Process and user at the other end, as the kernel of the system knows them."""
    size = struct.calcsize("3i")
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    pid, user, _ = struct.unpack("3i", found)
    return pid, user


def _address(folder: int, name: str) -> str:
    return f"/proc/self/fd/{folder}/{name}"


def path(name: str) -> Path:
    """Where a file of the folder is, for what must name it."""
    return FOLDER / name
