"""One attempt at one cell: a process of its own, its limit, and the end of all of it.

``execute`` is all that another machine needs of a sweep. What a cell leaves:

    document.json   what the verb printed with --json
    log.txt         what it said on stderr
    out             what it wrote with --out, a file or a folder
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from bench.errors import INTERRUPTED, InconclusiveError
from bench.measure import affinity
from bench.paths import ROOT, private
from bench.progress import VARIABLE as PROGRESS_VARIABLE
from bench.store import RUN_VARIABLE
from bench.sweep import _arguments, _cores, _keys
from bench.sweep._cell import FAILED, LOST, OK, TIMED_OUT, Cell, Outcome

DOCUMENT = "document.json"
LOG = "log.txt"
OUT = "out"
_NOTE = ".infrastructure"
# From outside: somebody, or the system for want of memory, ended the process.
_ENDED_BY_OTHERS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_SAID = 2_000  # letters of an error that are kept


def execute(
    cell: Cell,
    folder: Path,
    core: int | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Outcome:
    """Execute ``cell`` in this machine's ``folder``, which must be empty, and wait.

    A cell that measures gets the place of ``core``, by default any that is free; it
    waits for one, which is no part of its time. ``tick`` is called at every look;
    where it raises, the cell is ended.
    """
    with contextlib.ExitStack() as stack:
        cores: frozenset[int] = frozenset()
        handles: list[int] = []
        if cell.measures:
            place, held = stack.enter_context(_cores.holding(core, tick))
            cores, handles = place.cores, held.handles
        attempt = Attempt(cell, folder, cores, handles)
        try:
            while (outcome := attempt.poll()) is None:
                time.sleep(_cores.POLL_S)
                tick()
        finally:
            attempt.end()
    return outcome


class Attempt:
    """A cell that runs; ``end`` must be called whatever happens."""

    def __init__(
        self, cell: Cell, folder: Path, cores: frozenset[int], handles: list[int]
    ) -> None:
        """Start it in ``folder`` on ``cores``, all that there are where that is empty.

        ``handles`` are locks that its process keeps while it runs.
        """
        self.cell, self.folder = cell, folder
        self._start = time.monotonic()
        command = [sys.executable, "-m", "bench.sweep._child", str(folder / _NOTE)]
        with (
            (folder / DOCUMENT).open("wb") as document,
            (folder / LOG).open("wb") as log,
            _pinned(cores),
        ):
            self._process = subprocess.Popen(
                [*command, *_line(cell)],
                # Paths in a document are then the same wherever it is made.
                cwd=folder,
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=document,
                stderr=log,
                pass_fds=handles,
                # Ctrl-C reaches the driver alone, which ends the rest in order.
                start_new_session=True,
            )

    def poll(self) -> Outcome | None:
        """How it ended, None while it runs and may."""
        seconds = time.monotonic() - self._start
        over = _is_over(self._process)
        if not over and seconds <= self.cell.limit_s:
            return None
        self.end()
        status, error = self._said(self._process.returncode if over else None)
        note = self.folder / _NOTE
        note.unlink(missing_ok=True)
        return Outcome(self.cell.key, status, _keys.host(), round(seconds, 3), error)

    def end(self) -> None:
        """End the process and everything that it started; safe to call twice."""
        children = _family(self._process.pid)
        if self._process.returncode is None:
            # While it is not reaped, its number is that of its group and nobody else's.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _said(self, code: int | None) -> tuple[str, str]:
        """Status and error for an exit code, None where it ran into its limit."""
        said = self._error()
        if code is None:
            return TIMED_OUT, f"more than {self.cell.limit_s:g} s"
        if code == 0:
            return OK, ""
        if code == InconclusiveError.exit_code:
            return OK, f"inconclusive: {said}"
        if -code in _ENDED_BY_OTHERS:
            return LOST, f"its process was ended by {signal.Signals(-code).name}"
        if code == INTERRUPTED:
            return LOST, "its process was interrupted"
        note = self.folder / _NOTE
        if note.exists():
            return LOST, f"{note.read_text(encoding='utf-8')}: {said}"
        return FAILED, said or f"exit code {code}"

    def _error(self) -> str:
        """The last message on stderr; the folders of this machine are taken out of it,
        and out of what is kept of all that was said."""
        log = self.folder / LOG
        text = log.read_text(encoding="utf-8", errors="replace")
        mine = str(self.folder)
        text = private(text, hide=[mine, private(mine)])
        log.write_text(text, encoding="utf-8")
        before, found, message = f"\n{text}".rpartition("\nerror: ")
        # The last line of a traceback says more than that it was our fault.
        said = before if found and "\nTraceback" in before else message
        last = said.strip().splitlines()[-1:] if said is before else [message.strip()]
        return "".join(last)[-_SAID:]


def _is_over(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended; it is not reaped yet where the system can tell so (Linux),
    so that what it left behind in its group can be ended by its number."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, flags) is not None


def _line(cell: Cell) -> list[str]:
    if cell.notebook:
        words = _arguments.of_notebook(cell.notebook, cell.parameters)
    else:
        words = _arguments.of_verb(cell.verb, cell.parameters)
    return [words[0], "--json", "--quiet", f"--out={OUT}", *words[1:]]


def _environment() -> dict[str, str]:
    """The user's, with this checkout first, also where another one is installed.

    A sweep inside a notebook must not have its cells write into the notebook's run.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {RUN_VARIABLE, PROGRESS_VARIABLE}
    }
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return kept | {"PYTHONPATH": os.pathsep.join(paths)}


@contextlib.contextmanager
def _pinned(cores: frozenset[int]) -> Iterator[None]:
    """Have what the caller starts begin on ``cores``: it inherits them."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    affinity.pin(0, cores)
    try:
        yield
    finally:
        affinity.pin(0, before)


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
