"""The driver's end of a notebook's process: start, wait, and end all of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from bench.batch._outcome import CRASHED, DIED, KILLED, NOT_STARTED, TIMED_OUT
from bench.kernels import client
from bench.paths import ROOT
from bench.progress import VARIABLE
from bench.store import RUN_VARIABLE

POLL_S = 0.1
# What papermill gets to save the executed copy after it was told to end.
GRACE_S = 10.0
# ipykernel 7.3 and newer prints this for each kernel; ours listens on loopback.
_NOISE = "Kernel is running over TCP without encryption"


class NotebookProcess:
    """One attempt at one notebook; all its files are in ``scratch``."""

    def __init__(
        self,
        notebook: Path,
        parameters: dict[str, Any],
        run: Path,
        scratch: Path,
        *,
        forked: bool = False,
    ) -> None:
        """Start it. ``notebook`` and ``run`` should be relative to the checkout.

        With ``forked``, process and kernel come from the warm server where there can
        be one: for notebooks that measure nothing.
        """
        self.output = scratch / "executed.ipynb"
        self.progress = scratch / "progress.jsonl"
        self._scratch = scratch
        self._outcome = scratch / "outcome.json"
        self._log = scratch / "log.txt"
        job = scratch / "job.json"
        job.write_text(
            json.dumps(
                {
                    "notebook": str(notebook),
                    "output": str(self.output),
                    "outcome": str(self._outcome),
                    "parameters": parameters,
                }
            ),
            encoding="utf-8",
        )
        given = environment(scratch, run) | {VARIABLE: str(self.progress)}
        start = _fork if forked else _spawn
        with self._log.open("wb") as log:
            self._process, self._stdin = start(job, given, log.fileno())

    def wait(self, limit_s: float, tick: Callable[[], None]) -> tuple[str, str]:
        """How it ended in the words of ``_outcome``, and why.

        ``tick`` is called at every poll. The process is over when this returns or
        raises.
        """
        deadline = time.monotonic() + limit_s
        try:
            while self._process.poll() is None:
                if time.monotonic() > deadline:
                    return TIMED_OUT, f"more than {limit_s:g} s"
                time.sleep(POLL_S)
                tick()
            tick()
        finally:
            self.end()
        return self._read_outcome()

    def end(self) -> None:
        """End the process, its kernel and all that those started."""
        children = _family(self._process.pid)
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_S)
        elif self._process.returncode < 0:
            children += self._orphans()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.kill()
        self._process.wait()
        os.close(self._stdin)

    def _orphans(self) -> list[psutil.Process]:
        """What a process that was killed could not end: its kernel, whose command names
        a file in the scratch folder, and what the kernel started."""
        kernels = [
            process
            for process in psutil.process_iter(["cmdline"])
            if any(str(self._scratch) in word for word in process.info["cmdline"] or ())
        ]
        return kernels + [each for kernel in kernels for each in _family(kernel.pid)]

    def _read_outcome(self) -> tuple[str, str]:
        code = self._process.returncode
        try:
            outcome = json.loads(self._outcome.read_bytes())
        except (OSError, ValueError):
            status, why = CRASHED, f"exit code {code}"
            if code < 0:
                status, why = KILLED, signal.Signals(-code).name
            return status, f"{why}\n{self.log()}".rstrip()
        status, error = outcome["status"], outcome["error"]
        if status in {NOT_STARTED, DIED}:
            error = f"{error}\n{self.log()}".rstrip()
        return status, error

    def log(self) -> str:
        """The last lines that the process and its kernel printed."""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        kept = [line for line in text.splitlines() if _NOISE not in line]
        return "\n".join(kept[-20:])


def _spawn(
    job: Path, given: dict[str, str], log: int
) -> tuple[subprocess.Popen[bytes] | client.Forked, int]:
    """A process of the usual kind, as its kernel will be, and its standard input."""
    source, sink = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.batch.execute", str(job)],
            cwd=ROOT,
            env=given | {client.VARIABLE: client.PLAIN},
            stdin=source,
            stdout=log,
            stderr=log,
            # Ctrl-C reaches the driver alone, which ends the rest in order.
            start_new_session=True,
        )
    finally:
        os.close(source)
    return process, sink


def _fork(
    job: Path, given: dict[str, str], log: int
) -> tuple[subprocess.Popen[bytes] | client.Forked, int]:
    """The same from the warm server; the usual kind where there is none."""
    source, sink = os.pipe()
    try:
        wanted = client.request("notebook", [str(job)], environment=given, cwd=ROOT)
        process = client.start(wanted, (source, log, log))
    except client.Unavailable:
        os.close(sink)
        return _spawn(job, given, log)
    finally:
        os.close(source)
    return process, sink


def environment(scratch: Path, run: Path) -> dict[str, str]:
    """The user's environment, with every cache of Jupyter in ``scratch``."""
    kept = {name: value for name, value in os.environ.items() if name != "JUPYTER_PATH"}
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }
    # Fonts take seconds to list, so that one cache outlives the batch.
    fonts = {"MPLCONFIGDIR": str(ROOT / ".cache" / "matplotlib")}
    return (
        fonts
        | kept
        | {name: str(scratch / folder) for name, folder in folders.items()}
        | {RUN_VARIABLE: str(run), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        # The kernel that ``execute`` installs, not one of the same name elsewhere.
        | {"JUPYTER_PREFER_ENV_PATH": "0"}
    )


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
