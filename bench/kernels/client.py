"""A process from the fork server, used like one of ``subprocess.Popen``."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from bench.kernels import _folder, _key, _wire
from bench.paths import ROOT

VARIABLE = "WORKBENCH_KERNELS"
PLAIN = "plain"
START_S = 60.0
# A server may end between our connecting and its accepting.
_ATTEMPTS = 3
_UNKNOWN = 1


class Unavailable(OSError):  # noqa: N818 - a state of the system, not a fault
    """There is no fork server here; start the process in the ordinary way."""


class Forked:
    """A running process, with the methods of Popen that Jupyter and the batch use.

    Its parent is the server, which tells how it ended. Where the server was killed
    before, the process goes on, and its exit code is not known: then it is 1.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, handle: int, connection: socket.socket) -> None:
        self.pid = pid
        self.returncode: Any = None  # as Popen has it: None while it runs
        self._handle = handle
        self._connection = connection

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._wait(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises TimeoutExpired after ``timeout`` seconds."""
        code = self._wait(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal to this process alone; nothing once it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def ended(self, timeout: float | None) -> bool:
        """Whether it has ended, within ``timeout`` seconds; takes no exit code."""
        if self.returncode is not None:
            return True
        # The server answers once it has reaped; without one there is the handle.
        for source in (self._handle, self._connection):
            poll = select.poll()
            poll.register(source, select.POLLIN)
            if not poll.poll(None if timeout is None else timeout * 1000):
                return False
        return True

    def _wait(self, timeout: float | None) -> int | None:
        if self.returncode is not None:
            return int(self.returncode)
        if not self.ended(timeout):
            return None
        with suppress(OSError, ValueError):
            self.returncode = int(self._connection.recv(64))
        if self.returncode is None:
            self.returncode = _UNKNOWN
        self._connection.close()
        os.close(self._handle)
        return int(self.returncode)


def request(
    program: str,
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    cwd: str | os.PathLike[str] = ".",
) -> _wire.Request:
    """Ask for ``program``, one of ``_child.PROGRAMS``, as a child of this thread.

    Raises Unavailable where there can be no fork server.
    """
    if os.environ.get(VARIABLE) == PLAIN:
        raise Unavailable(f"{VARIABLE} is {PLAIN}")
    if sys.platform != "linux":
        raise Unavailable(f"a fork is not safe on {sys.platform}")
    return _wire.request(program, argv, environment, os.fspath(cwd))


def start(wanted: _wire.Request, streams: Sequence[int] = (0, 1, 2)) -> Forked:
    """Start what is wanted, in a session of its own.

    ``streams`` become its standard streams. It ends when the calling process does.
    Raises Unavailable where there is no server and none can be started.
    """
    for _ in range(_ATTEMPTS):
        try:
            connection = _connected(wanted.environment)
        except OSError as error:
            raise Unavailable(f"no fork server: {error}") from error
        try:
            connection.settimeout(_wire.PATIENCE_S)
            _wire.send(connection, wanted, streams)
            return _answer(connection)
        except (OSError, EOFError):
            connection.close()
    raise Unavailable("the fork server does not answer")


def server(environment: Mapping[str, str]) -> int | None:
    """The process of the server that a caller with ``environment`` is served by."""
    try:
        with _folder.connect(_key.key(environment)) as connection:
            return _folder.peer(connection)[0]
    except OSError:
        return None


def _connected(environment: Mapping[str, str]) -> socket.socket:
    """A connection to the server; it is started where none answers."""
    name = _key.key(environment)
    try:
        return _folder.connect(name)
    except (FileNotFoundError, ConnectionRefusedError):
        with _folder.locked():
            # Another caller may have started one before this one got the lock.
            with suppress(FileNotFoundError, ConnectionRefusedError):
                return _folder.connect(name)
            _start_server(name, environment)
            return _folder.connect(name)


def _start_server(name: str, environment: Mapping[str, str]) -> None:
    """Start a server and wait until it listens. Raises Unavailable."""
    with _folder.path(f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.kernels.server", name],
            cwd=ROOT,
            env=_key.early(environment) | {"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    with process:
        assert process.stdout is not None  # noqa: S101 - opened as a pipe above
        ready = select.select([process.stdout], [], [], START_S)[0]
        if not ready or process.stdout.read(5) != b"ready":
            raise Unavailable(f"the fork server did not start, see {log.name}")


def _answer(connection: socket.socket) -> Forked:
    line, handles, _, _ = socket.recv_fds(connection, 64, 1)
    if not line or not handles:
        raise EOFError("the server has gone")
    connection.settimeout(None)
    return Forked(int(line), handles[0], connection)
