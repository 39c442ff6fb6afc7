"""What engines have in common inside their process: seeding, timing, an end.

    PUT  /seed    MessagePack ``{"dims", "vectors": float32 bytes, "payloads": [..]}``,
                  added to what is held; ids go on counting
    POST /index   build what makes queries fast, when all is seeded

Anything else is the engine's own protocol. Its answers say in a Server-Timing header
how long the engine itself took, without HTTP and JSON, and how much CPU.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bench.engines._corpus import Floats
from bench.services._messages import Answer, Call, Reply, json_reply
from bench.services._service import Base

_SEED = 1  # of a service; an engine draws nothing


class Seed(msgspec.Struct):
    """Vectors to hold."""

    dims: int
    vectors: bytes
    payloads: list[dict[str, Any]]


class Engine(Base):
    """``folder`` is where it may keep files; it is removed after ``close``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._spent = self._used = 0.0
        super().__init__(_SEED)

    @abstractmethod
    def add(self, vectors: Floats, payloads: Sequence[dict[str, Any]]) -> None:
        """Hold more vectors."""

    @abstractmethod
    def index(self) -> None:
        """Build the indexes."""

    @abstractmethod
    def answer(self, call: Call) -> Reply:
        """Answer a request of the engine's protocol; may raise Refusal."""

    def cpu_s(self) -> float:
        """CPU seconds that the engine has used since it began, by all its threads."""
        return time.process_time()

    def close(self) -> None:
        """End what the engine has started."""

    def handle(self, call: Call) -> Answer:
        """Answer one request."""
        if call.route == "PUT /seed":
            seed = msgspec.msgpack.decode(call.body, type=Seed)
            rows = np.frombuffer(seed.vectors, dtype="<f4").reshape(-1, seed.dims)
            self.add(rows, seed.payloads)
            return json_reply({})
        if call.route == "POST /index":
            self.index()
            return json_reply({})
        self._spent = self._used = 0.0
        reply = self.answer(call)
        spent, used = 1000 * self._spent, 1000 * self._used
        timing = {"Server-Timing": f"engine;dur={spent:.4f}, cpu;dur={used:.4f}"}
        return Reply(reply.status, {**reply.headers, **timing}, reply.body)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """What happens inside is the engine's own time."""
        used, began = self.cpu_s(), time.perf_counter()
        yield
        self._spent += time.perf_counter() - began
        self._used += self.cpu_s() - used

    @property
    def spent_s(self) -> float:
        """Seconds that the engine has taken for the present request."""
        return self._spent
