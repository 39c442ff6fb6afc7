"""One workerd process: started, watched, pinned, ended; asked over real HTTP."""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from bench.errors import BenchError
from bench.measure import affinity
from bench.path.http import Request
from bench.workerd import tools
from bench.workerd.config import TRIGGER
from bench.workerd.threads import Threads

READY_S = 60.0
ANSWER_S = 60.0
# workerd closes a connection that has rested for 5 s (kj, HttpServerSettings), which a
# machine that is busy otherwise brings about.
IDLE_S = 4.0
# A batch for a queue's consumer stands as a request of this path.
QUEUE_PATH = "/queue"
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, prctl(2)


class WorkerdError(BenchError):
    """workerd did not start, died, or did not answer in time."""


class Workerd:
    """A running workerd with the configuration ``config.capnp`` of ``folder``.

    Starts on the driving cores; ``ready`` waits and moves it to the measuring core.
    """

    def __init__(
        self, folder: Path, arguments: Sequence[str] = (), *, measured: bool = True
    ) -> None:
        self._measured = measured
        self._told, control = os.pipe()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close
        try:
            self._process = subprocess.Popen(
                [
                    *(str(tools.workerd()), "serve", "--experimental"),
                    *(f"--control-fd={control}", *arguments, "config.capnp"),
                ],
                cwd=folder,
                pass_fds=[control],
                stdin=subprocess.DEVNULL,
                stdout=self._errors,
                stderr=self._errors,
                env=environment(),
                preexec_fn=_die_with_parent,
            )
        finally:
            os.close(control)
        affinity.pin(self._process.pid, affinity.plan().driving)
        self.pid = self._process.pid
        self.threads = Threads(self.pid)
        self.ports: dict[str, int] = {}
        self.inspector_port = 0
        self._inspected = any(each.startswith("--inspector") for each in arguments)
        # Each with the time when it was used last.
        self._connections: dict[str, tuple[http.client.HTTPConnection, float]] = {}

    def ready(self, sockets: int) -> None:
        """Wait until that many sockets listen. Raises WorkerdError."""
        rest = b""
        until = time.monotonic() + READY_S
        while len(self.ports) < sockets or self._inspected > self.inspector_port:
            left = max(0.0, until - time.monotonic())
            if not select.select([self._told], [], [], left)[0]:
                raise WorkerdError(f"workerd was not ready within {READY_S:g} s")
            part = os.read(self._told, 1 << 16)
            if not part:
                raise self._died()
            *lines, rest = (rest + part).split(b"\n")
            for line in filter(None, lines):
                message = json.loads(line)
                if message["event"] == "listen":
                    self.ports[message["socket"]] = message["port"]
                elif message["event"] == "listen-inspector":
                    self.inspector_port = message["port"]
        core = affinity.plan().measuring
        if self._measured and core is not None:
            self.threads.pin(core)

    def ask(self, isolate: int, request: Request) -> tuple[int, bytes]:
        """Status and whole body of ``request``, a queue batch for the path /queue.

        Connections are kept; calls must not overlap. Raises WorkerdError when there
        is no answer.
        """
        name = TRIGGER if request.path.startswith(QUEUE_PATH) else str(isolate)
        connection, used = self._connections.get(name) or (self.connect(name), 0.0)
        if time.monotonic() - used > IDLE_S:
            # The client opens it again as it sends.
            connection.close()
        try:
            response = self.send(connection, isolate, request)
            answer = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            if self._ended():
                raise self._died() from error
            raise WorkerdError(f"workerd gave no answer: {error!r}") from error
        self._connections[name] = connection, time.monotonic()
        return answer

    def connect(self, name: str) -> http.client.HTTPConnection:
        """A connection to the socket ``name``: an isolate's number, or the trigger."""
        return http.client.HTTPConnection(
            "127.0.0.1", self.ports[name], timeout=ANSWER_S
        )

    @staticmethod
    def send(
        connection: http.client.HTTPConnection, isolate: int, request: Request
    ) -> http.client.HTTPResponse:
        """Send ``request`` and wait for the head of the answer."""
        path = request.path
        if path.startswith(QUEUE_PATH):
            path = f"/{isolate}{path.removeprefix(QUEUE_PATH)}"
        # One write for head and body: a bytes body is joined to the head.
        connection.request(request.method, path, request.body, dict(request.headers))
        return connection.getresponse()

    def close(self) -> None:
        """End the process; safe to call twice."""
        for connection, _ in self._connections.values():
            connection.close()
        self._connections.clear()
        self._process.kill()
        self._process.wait()
        if self._told >= 0:
            os.close(self._told)
            self._errors.close()
            self._told = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ended(self) -> bool:
        try:
            self._process.wait(0.2)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _died(self) -> WorkerdError:
        code = self._process.wait()
        how = signal.Signals(-code).name if code < 0 else f"code {code}"
        self._errors.seek(0)
        # Its own words; the addresses of a native stack that may follow say nothing.
        text = self._errors.read().decode(errors="replace").partition("\nstack:")[0]
        said = " ".join(text.split())[-500:]
        return WorkerdError(f"workerd ended with {how}{': ' if said else ''}{said}")


def environment() -> dict[str, str]:
    """What workerd sees of the environment: where to put temporary files.

    The rest of the user's must not change a number.
    """
    return {name: os.environ[name] for name in ("TMPDIR",) if name in os.environ}


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """A driver that is killed takes its processes along (Linux)."""
    if _LIBC is not None:
        _LIBC.prctl(_DEATH_SIGNAL, signal.SIGKILL)
