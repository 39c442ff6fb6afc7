"""A local cluster: a scheduler and workers on this machine, each a process of its own.

A worker that dies is started again. Nothing outlives the block, nor ``kill -9`` of the
process that is in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError
from bench.paths import ROOT

FILE = "scheduler.json"
START_S = 60.0
_SCHEDULER, _WORKER = "scheduler", "worker"
_STOP_S = 10.0
_POLL_S = 0.05


class Cluster:
    """A running one. Make it by ``start``."""

    def __init__(self, folder: Path, workers: int) -> None:
        """Start all its processes, with their files and logs in ``folder``."""
        self.folder = folder
        self._scheduler = self._begin(_SCHEDULER, 0)
        self._workers = [self._begin(_WORKER, slot) for slot in range(workers)]

    def address(self) -> str:
        """Where the scheduler listens, as ``tcp://127.0.0.1:port``, once it does.

        Raises BenchError with the end of its log where it does not.
        """
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._scheduler.poll() is None:
            try:
                return str(json.loads((self.folder / FILE).read_bytes())["address"])
            except (OSError, ValueError):  # not there yet, or half written
                time.sleep(_POLL_S)
        raise BenchError(
            f"the local scheduler did not start\n{self.log(_SCHEDULER)}".rstrip()
        )

    def mend(self) -> None:
        """Start the workers again that have died.

        Raises BenchError when the scheduler has: it knew all that was running.
        """
        if self._scheduler.poll() is not None:
            raise BenchError(
                "the local scheduler ended; what had finished is kept, and the same "
                f"command goes on\n{self.log(_SCHEDULER)}".rstrip()
            )
        for slot, worker in enumerate(self._workers):
            if worker.poll() is not None:
                _end(worker)
                self._workers[slot] = self._begin(_WORKER, slot)

    def log(self, role: str = _WORKER) -> str:
        """The last lines that its processes of this role printed."""
        texts = [
            path.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
            for path in sorted(self.folder.glob(f"{role}-*.log"))
        ]
        return "\n".join(line for lines in texts for line in lines)

    def stop(self) -> None:
        """End all processes; each takes along what it has started."""
        for process in (*self._workers, self._scheduler):
            if process.stdin is not None:
                process.stdin.close()
        for process in (*self._workers, self._scheduler):
            _end(process)

    def _begin(self, role: str, slot: int) -> subprocess.Popen[bytes]:
        with (self.folder / f"{role}-{slot}.log").open("ab") as log:
            return subprocess.Popen(
                [
                    *(sys.executable, "-m", "bench.sweep.engines._dask_node"),
                    *(role, str(self.folder), "--parent", str(os.getpid())),
                ],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches the driver alone, which ends the rest in order.
                start_new_session=True,
            )


@contextmanager
def start(folder: Path, workers: int) -> Iterator[Cluster]:
    """A cluster of ``workers`` that ends with the block; its files are in ``folder``.

    Its processes start while the caller goes on.
    """
    cluster = Cluster(folder, workers)
    try:
        yield cluster
    finally:
        cluster.stop()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
