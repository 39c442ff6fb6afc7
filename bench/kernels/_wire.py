"""What a caller sends to the fork server, and what it learns back.

caller -> fork    length (8 bytes), JSON of a Request; with it the handles of three
                  streams and of the caller's own process
server -> caller  "<pid>\\n" with a handle of that process
server -> caller  "<exit code>\\n" when it has ended, negative for a signal
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.kernels._key import limits

_LENGTH = struct.Struct("<Q")
_LARGEST = 1 << 26
# Seconds that either end waits for the other in the middle of a message.
PATIENCE_S = 10.0
# Ignored by every Python process; subprocess gives them back to what it starts.
_PYTHONS = {signal.SIGPIPE, signal.SIGXFSZ}


@dataclass(frozen=True, slots=True)
class Request:
    """One process that is wanted.

    ``program`` is one of ``_child.PROGRAMS``; ``cwd`` is absolute; the rest is what a
    child inherits from its parent and can set itself: soft ``limits`` by number, the
    cores in ``affinity``, ``umask``, and signals that are ``blocked`` or ``ignored``.
    """

    program: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    cwd: str
    limits: Sequence[tuple[int, int]]
    affinity: Sequence[int]
    umask: int
    blocked: Sequence[int]
    ignored: Sequence[int]


def request(
    program: str, argv: Sequence[str], environment: Mapping[str, str], cwd: str
) -> Request:
    """A request with what a child of the calling process would inherit."""
    return Request(
        program,
        list(argv),
        dict(environment),
        os.path.abspath(cwd),  # noqa: PTH100 - as a process would see it, links kept
        [(which, resource.getrlimit(which)[0]) for which in limits()],
        sorted(os.sched_getaffinity(0)),
        _umask(),
        sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        sorted(_ignored()),
    )


def send(connection: socket.socket, wanted: Request, streams: Sequence[int]) -> None:
    """Send a request with handles of standard input, output and error."""
    data = json.dumps(asdict(wanted)).encode()
    own = os.pidfd_open(os.getpid())
    try:
        socket.send_fds(connection, [_LENGTH.pack(len(data))], [*streams, own])
    finally:
        os.close(own)
    connection.sendall(data)


def receive(connection: socket.socket) -> tuple[Request, list[int]]:
    """A request, the handles of its streams and, last, that of its caller's process.

    Raises OSError for a caller that has gone, EOFError for one that sends other
    things.
    """
    head, handles, _, _ = socket.recv_fds(connection, _LENGTH.size, 4)
    if len(head) < _LENGTH.size or len(handles) != 4:
        raise EOFError("the caller has gone")
    (length,) = _LENGTH.unpack(head)
    if length > _LARGEST:
        raise EOFError(f"a request of {length} bytes")
    data = b""
    while len(data) < length:
        part = connection.recv(min(length - len(data), 1 << 20))
        if not part:
            raise EOFError("the caller has gone")
        data += part
    return Request(**json.loads(data)), handles


def _umask() -> int:
    # Asking the system by os.umask would change it for a moment, for every thread.
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line[6:], 8) for line in lines if line.startswith("Umask:"))


def _ignored() -> set[signal.Signals]:
    known = signal.valid_signals() - _PYTHONS
    return {
        signal.Signals(number)
        for number in known
        if signal.getsignal(number) == signal.SIG_IGN
    }
