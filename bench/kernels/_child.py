"""What a fork does to become the process that the caller would have started."""

from __future__ import annotations

import atexit
import gc
import os
import random
import resource
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from bench.kernels import _wire

_INLINE = "module://matplotlib_inline.backend_inline"


def run(connection: socket.socket, added: Mapping[str, str]) -> None:
    """Serve the one request of ``connection``; never returns.

    ``added`` are variables that a kernel's imports set, and did in the server.
    """
    code = 1
    try:
        _serve(connection, added)
        code = 0
    except SystemExit as end:
        code = _exit_code(end)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        _end(code)


def _serve(connection: socket.socket, added: Mapping[str, str]) -> None:
    connection.settimeout(_wire.PATIENCE_S)
    wanted, (*streams, caller) = _wire.receive(connection)
    connection.close()
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    _inherit(wanted)
    if wanted.program == "kernel":
        os.environ.update({**added, **wanted.environment})
    _reseed()
    watch = threading.Thread(target=_end_with, args=(caller,), daemon=True)
    watch.name = "caller"
    watch.start()
    PROGRAMS[wanted.program](wanted.argv)


def _inherit(wanted: _wire.Request) -> None:
    """Take over what a child has from its parent, and what the caller asks for."""
    os.environ.clear()
    os.environ.update(wanted.environment)
    os.umask(wanted.umask)
    os.sched_setaffinity(0, wanted.affinity)
    for which, soft in wanted.limits:
        resource.setrlimit(which, (soft, resource.getrlimit(which)[1]))
    for number in wanted.ignored:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, wanted.blocked)
    os.chdir(wanted.cwd)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=stream is sys.stderr or stream.isatty())  # type: ignore[union-attr]


def _reseed() -> None:
    # Every fork has the same generators otherwise, in the same state.
    random.seed()
    numpy: Any = sys.modules["numpy"]
    numpy.random.seed()


def _end_with(caller: int) -> None:
    """End this process when the caller's does, as ipykernel does with its parent.

    ipykernel looks at the number of its parent, and that is the server's.
    """
    gone = select.poll()
    gone.register(caller, select.POLLIN)
    gone.poll()
    os._exit(1)


def _exit_code(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


def _end(code: int) -> None:
    """End as an interpreter does, but do not take apart what the server has loaded.

    That takes longer than all the rest, and copies every page of it. What was open is
    flushed all the same: IPython drops the variables of a notebook at its exit.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _kernel(argv: Sequence[str]) -> None:
    """What ``python -m ipykernel_launcher`` is, from its second line on."""
    from ipykernel.kernelapp import IPKernelApp

    _draw_as_configured()
    sys.argv = [str(sys.modules["ipykernel_launcher"].__file__), *argv]
    # 1 is a parent that ipykernel does not watch.
    IPKernelApp.launch_instance(parent_handle=1)
    # ipykernel's own close ends the IOPub thread first, and a control thread that still
    # flushes through it waits ten seconds, or until the client kills the kernel.
    control = IPKernelApp.instance().control_thread
    if control.is_alive():
        control.stop()
        control.join()


def _draw_as_configured() -> None:
    """Let matplotlib read again what it read in the server: folder and backend."""
    import matplotlib as mpl

    mpl.rc_file(mpl.matplotlib_fname())
    # ipykernel sets this variable for a matplotlib that is not yet there.
    mpl.rcParams["backend"] = os.environ.get("MPLBACKEND") or _INLINE


def _papermill(argv: Sequence[str]) -> None:
    """papermill's command line."""
    from papermill.cli import papermill

    sys.argv = ["papermill", *argv]
    papermill()


def _notebook(argv: Sequence[str]) -> None:
    """``python -m bench.batch.execute``."""
    from bench.batch import execute

    sys.argv = [str(execute.__file__), *argv]
    execute.main()


PROGRAMS: dict[str, Callable[[Sequence[str]], None]] = {
    "kernel": _kernel,
    "notebook": _notebook,
    "papermill": _papermill,
}
