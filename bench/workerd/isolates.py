"""Isolates in one workerd process, and what a request to one of them costs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.path.http import Request
from bench.workerd.process import Workerd
from bench.workerd.trace import Trace

TRACE = "trace.jsonl"
"""What the trace is called in the folder of a process."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One request in ns: main-thread CPU, wall clock, run delay, helper threads' CPU,
    and time under the isolate lock where it was traced, in all and by operation."""

    cpu: int
    wall: int
    run_delay: int | None
    helpers: int
    locked: int | None = None
    operations: Mapping[str, int] | None = None


class Isolates:
    """A process on the configuration in ``folder``, which goes with it.

    It listens on ``sockets``. Starting does not wait; ``ready`` does. ``trace`` turns
    workerd's trace on, which costs CPU itself.
    """

    def __init__(
        self,
        folder: Path,
        sockets: int,
        *,
        trace: bool = False,
        arguments: Sequence[str] = (),
        measured: bool = True,
    ) -> None:
        self._sockets = sockets
        self._folder = folder
        self._trace: Trace | None = None
        given = [f"--async-trace={TRACE}"] if trace else []
        self._traced = trace
        self._workerd = Workerd(self._folder, [*given, *arguments], measured=measured)

    @property
    def pid(self) -> int:
        """Process id of workerd."""
        return self._workerd.pid

    @property
    def inspector_port(self) -> int:
        """Where the inspector listens, if it was asked for."""
        return self._workerd.inspector_port

    @property
    def ports(self) -> Mapping[str, int]:
        """Ports of the sockets that listen, by name."""
        return self._workerd.ports

    def ready(self) -> None:
        """Wait until every isolate listens. Raises WorkerdError."""
        self._workerd.ready(self._sockets)
        if self._traced and self._trace is None:
            self._trace = Trace(self._folder / TRACE)

    def ask(self, isolate: int, request: Request) -> tuple[int, bytes]:
        """Status and body. Raises WorkerdError."""
        return self._workerd.ask(isolate, request)

    def alone(self, isolate: int, request: Request) -> tuple[int, bytes]:
        """As ``ask``, over a connection of its own: calls may overlap."""
        with closing(self._workerd.connect(str(isolate))) as connection:
            response = self._workerd.send(connection, isolate, request)
            return response.status, response.read()

    def cost(self, isolate: int, request: Request) -> tuple[Cost, tuple[int, bytes]]:
        """What ``request`` costs until the main thread sleeps, and its answer."""
        threads = self._workerd.threads
        if self._trace is not None:
            self._trace.skip()
        try:
            before = threads.now()
            began = time.perf_counter_ns()
            answer = self.ask(isolate, request)
            wall = time.perf_counter_ns() - began
            after = threads.settled()
        except ProcessLookupError:
            # It died between the answer and the reading: say how.
            self.ask(isolate, request)
            raise
        locked, operations = None, None
        if self._trace is not None:
            locked, operations = self._trace.locked(str(isolate))
        delay = None
        if after.run_delay is not None and before.run_delay is not None:
            delay = after.run_delay - before.run_delay
        helpers = after.helpers - before.helpers
        cpu = after.cpu - before.cpu
        return Cost(cpu, wall, delay, helpers, locked, operations), answer

    def close(self) -> None:
        """End the process and forget its files; safe to call twice."""
        if self._trace is not None:
            self._trace.close()
        self._workerd.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
