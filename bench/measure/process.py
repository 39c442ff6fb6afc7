"""The driver's end of a measured process: start, pin, give turns, end.

A child that dies, hangs or raises becomes a ``ChildError``; it never stalls the run.
"""

from __future__ import annotations

import json
import os
import random
import select
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from bench.errors import BenchError
from bench.measure import affinity
from bench.measure.affinity import Cores

# Variables that a measured process keeps; the rest of the user's environment, its
# secrets and its size included, must not change a number.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
SETUP_SECONDS = 120.0
TURN_SECONDS = 60.0


class ChildError(BenchError):
    """A measured process raised, died or did not answer in time."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer: times in ns for ``n`` loops of ``case``, and the case's extra."""

    case: str
    n: int
    cpu: int
    wall: int
    run_delay: int | None
    extra: Any


class Child:
    """One measured process. Use it as a context manager."""

    def __init__(self, setup: str, parameters: dict[str, Any], *, seed: int) -> None:
        """Start it on the driving cores; the set-up runs while the caller goes on.

        ``seed`` fixes the hash seed and the padding of the environment, so that
        memory layout differs between processes and can be made again.
        """
        self.seed = seed
        self.cores = affinity.plan()
        self.startup_cpu_ns = 0
        self.cases: tuple[str, ...] = ()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.measure.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(seed),
        )
        self._buffer = b""
        affinity.pin(self._process.pid, self.cores.driving)
        self._send({"setup": setup, "parameters": parameters})

    def ready(self) -> None:
        """Wait for the set-up, then move to the measuring core.

        Raises ChildError when the set-up failed.
        """
        answer = self._receive(SETUP_SECONDS)
        self.cases = tuple(answer["cases"])
        self.startup_cpu_ns = int(answer["cpu"])
        if self.cores.measuring is not None:
            _pin_all_threads(self._process.pid, self.cores)

    def turn(self, case: str, n: int = 1) -> Turn:
        """Run ``n`` loops of ``case`` and wait. Raises ChildError."""
        self._send({"case": case, "n": n})
        answer = self._receive(TURN_SECONDS)
        return Turn(
            case,
            n,
            answer["cpu"],
            answer["wall"],
            answer["run_delay"],
            answer["extra"],
        )

    def close(self) -> None:
        """End the process; safe to call twice."""
        for stream in (self._process.stdin, self._process.stdout):
            # What a dead child has not read cannot be flushed to it.
            with suppress(OSError):
                if stream is not None:
                    stream.close()
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, command: dict[str, Any]) -> None:
        stream = self._process.stdin
        assert stream is not None  # noqa: S101 - opened as a pipe above
        try:
            stream.write(json.dumps(command).encode() + b"\n")
            stream.flush()
        except OSError as error:
            raise self._died() from error

    def _receive(self, seconds: float) -> dict[str, Any]:
        stream = self._process.stdout
        assert stream is not None  # noqa: S101 - opened as a pipe above
        while b"\n" not in self._buffer:
            if not select.select([stream], [], [], seconds)[0]:
                raise ChildError(f"a measured process gave no answer in {seconds:g} s")
            part = os.read(stream.fileno(), 1 << 20)
            if not part:
                raise self._died()
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ChildError(answer["error"])
        return answer

    def _died(self) -> ChildError:
        code = self._process.wait()
        return ChildError(f"a measured process ended with code {code}")


def starter(setup: str, parameters: dict[str, Any]) -> Callable[[int], Child]:
    """How a member of a group starts: a Child with the group's seed."""
    return lambda seed: Child(setup, parameters, seed=seed)


def _environment(seed: int) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    draw = random.Random(seed)
    return kept | {
        "PYTHONHASHSEED": str(draw.randrange(1, 2**32)),
        # One thread per numeric library: helpers on other cores would hide CPU.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "WORKBENCH_PADDING": "x" * draw.randrange(4096),
    }


def _pin_all_threads(pid: int, cores: Cores) -> None:
    measuring = cores.measuring
    if measuring is None:
        return
    tasks = f"/proc/{pid}/task"
    threads = os.listdir(tasks) if os.path.isdir(tasks) else [str(pid)]  # noqa: PTH112, PTH208
    for thread in threads:
        affinity.pin(int(thread), {measuring})
