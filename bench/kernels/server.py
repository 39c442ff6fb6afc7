"""The fork server: ``python -m bench.kernels.server KEY``.

Imports what analysis notebooks need and starts none of it: no thread of Python's, no
socket of ZeroMQ's, no event loop may exist when a process forks. It ends by itself
after ``IDLE_S`` without a request or a living child, and when code, lock or environment
are no longer those of its key. Killed, it takes none of its children along.

Standard output says ``ready`` once it listens. Its own process is a grandchild of
whoever started it, so that it is nobody's to wait for.
"""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any

from bench.kernels import _child, _folder, _key

IDLE_S = 300.0
# Seldom, because it may run while something is measured.
TICK_S = 30.0
_PACKAGES = ("bench.notebook", "bench.figures", "bench.report", "bench.verdict")
_MODULES = (
    "ipykernel_launcher", "ipykernel.debugger", "ipykernel.ipkernel",
    "ipykernel.kernelapp", "ipykernel.zmqshell", "IPython.core.completer",
    "IPython.core.pylabtools",
    "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg",
    "matplotlib.pyplot", "numpy", "orjson", "pandas", "pandas.io.formats.style",
    "IPython.core.completerlib", "IPython.core.debugger",
    "IPython.extensions.storemagic", "papermill.cli", "pyarrow.parquet", "scipy.stats",
    "sqlite3", "tornado.platform.asyncio", "bench.batch.execute", "bench.progress",
    "bench.platform", "bench.store", "bench.kernels.provisioner",
    "ipykernel.kernelspec", "pandas.io.formats.html", "pandas.io.formats.string",
    "pyarrow.pandas_compat",
)  # fmt: skip


def main() -> None:
    """Serve the key on the command line; in a fork, do what its caller wants."""
    name = sys.argv[1]
    # What -m has put there; a kernel has its own folder in this place.
    sys.path.pop(0)
    _detach()
    given = dict(os.environ)
    preload()
    added = {key: os.environ[key] for key in os.environ if key not in given}
    for key in added:
        del os.environ[key]
    # A file may have changed while it was read.
    if _key.key(given) != name:
        sys.exit("files changed while they were imported")
    server = Server(name)
    with suppress(BrokenPipeError):
        os.write(1, b"ready")
    os.dup2(0, 1)
    connection = server.serve()
    if connection is not None:
        _child.run(connection, added)


def preload() -> None:
    """Import everything, and keep it out of what a fork's collector walks.

    What cannot be imported, as a module that is being edited, is left to the notebooks
    that want it.
    """
    for name in _MODULES:
        importlib.import_module(name)
    for name in _PACKAGES:
        with suppress(Exception):
            package = importlib.import_module(name)
            for module in pkgutil.iter_modules(package.__path__, f"{name}."):
                with suppress(Exception):
                    importlib.import_module(module.name)
    # nbformat builds the checker of a version's notebooks when it reads the first one.
    nbformat: Any = importlib.import_module("nbformat")
    nbformat.validate(nbformat.v4.new_notebook())
    gc.collect()
    gc.freeze()


class Server:
    """Listens under a key. Each child is known by a handle of its process."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._listener: socket.socket | None = _folder.listen(name)
        self._place = _folder.place(name)
        self._children: dict[int, tuple[int, socket.socket]] = {}
        self._poll = select.poll()
        self._poll.register(self._listener, select.POLLIN)
        self._used = time.monotonic()

    def serve(self) -> socket.socket | None:
        """Fork for each connection; None at the end, the connection in a fork."""
        while self._listener is not None or self._children:
            for handle, _ in self._poll.poll(TICK_S * 1000):
                if handle in self._children:
                    self._reap(handle)
                    continue
                connection = self._fork()
                if connection is not None:
                    return connection
            if self._listener is not None and self._over():
                self._stop_listening()
        return None

    def _fork(self) -> socket.socket | None:
        """The connection in the child; None in the server."""
        assert self._listener is not None  # noqa: S101 - it has just been polled
        connection, _ = self._listener.accept()
        self._used = time.monotonic()
        if _folder.peer(connection)[1] != os.geteuid():
            connection.close()
            return None
        try:
            pid = os.fork()
        except OSError:
            # The caller sees the end of the connection, and starts without us.
            connection.close()
            return None
        if pid == 0:
            self._forget()
            return connection
        handle = os.pidfd_open(pid)
        self._children[handle] = pid, connection
        self._poll.register(handle, select.POLLIN)
        with suppress(OSError):
            socket.send_fds(connection, [b"%d\n" % pid], [handle])
        return None

    def _reap(self, handle: int) -> None:
        pid, connection = self._children.pop(handle)
        self._poll.unregister(handle)
        os.close(handle)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        # A caller that has gone wants to know nothing.
        with suppress(OSError):
            connection.sendall(b"%d\n" % code)
        connection.close()
        self._used = time.monotonic()

    def _forget(self) -> None:
        """Close, in a fork, what belongs to the server and to other callers."""
        if self._listener is not None:
            self._listener.close()
        for handle, (_, connection) in self._children.items():
            os.close(handle)
            connection.close()

    def _over(self) -> bool:
        if not self._children and time.monotonic() - self._used > IDLE_S:
            return True
        try:
            return (
                _folder.place(self._name) != self._place
                or _key.key(os.environ) != self._name
            )
        except OSError:
            return True

    def _stop_listening(self) -> None:
        assert self._listener is not None  # noqa: S101 - asked by the only caller
        if _folder.place(self._name) == self._place:
            _folder.remove(self._name)
        self._poll.unregister(self._listener)
        self._listener.close()
        self._listener = None


def _detach() -> None:
    """Leave the parent, its session and its way with signals."""
    if os.fork():
        os._exit(0)
    os.setsid()
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    main()
