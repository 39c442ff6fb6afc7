"""The driver's end of a notebook's process: start, wait, and end all of it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from bench.batch._outcome import CRASHED, DIED, NOT_STARTED, TIMED_OUT
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
        self, notebook: Path, parameters: dict[str, Any], run: Path, scratch: Path
    ) -> None:
        """Start it. ``notebook`` and ``run`` should be relative to the checkout."""
        self.output = scratch / "executed.ipynb"
        self.progress = scratch / "progress.jsonl"
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
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.batch.execute", str(job)],
                cwd=ROOT,
                env=environment(scratch, run) | {VARIABLE: str(self.progress)},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches the driver alone, which ends the rest in order.
                start_new_session=True,
            )

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
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _read_outcome(self) -> tuple[str, str]:
        try:
            outcome = json.loads(self._outcome.read_bytes())
        except (OSError, ValueError):
            why = f"exit code {self._process.returncode}"
            return CRASHED, f"{why}\n{self.log()}".rstrip()
        status, error = outcome["status"], outcome["error"]
        if status in {NOT_STARTED, DIED}:
            error = f"{error}\n{self.log()}".rstrip()
        return status, error

    def log(self) -> str:
        """The last lines that the process and its kernel printed."""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        kept = [line for line in text.splitlines() if _NOISE not in line]
        return "\n".join(kept[-20:])


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
    )


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
