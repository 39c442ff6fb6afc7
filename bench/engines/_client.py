"""The handle on an engine that runs: seed it, ask it, end it."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import orjson

from bench.engines import Filter, Match
from bench.engines._corpus import Floats
from bench.errors import BenchError
from bench.services._client import Services, launch

ANSWER_S = 1800.0
"""How long an answer may take; building an index is one request."""
_AT_ONCE = 500
_TIMING = re.compile(r"engine;dur=([0-9.]+), cpu;dur=([0-9.]+)")


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer; in ms the round trip over HTTP, the engine's own part of it, and the
    CPU of that part."""

    reply: Any
    wall_ms: float
    engine_ms: float
    cpu_ms: float


class Running:
    """An engine that runs. ``url`` is its address, ``outbound`` one where it is reached
    by its host's name, as a Worker's ``fetch`` does; ``count`` the vectors it holds."""

    def __init__(self, name: str, services: Services) -> None:
        self.name = name
        self.services = services
        self.url: str = services.endpoints[name]
        self.outbound: str = services.outbound
        self.count = 0
        self._module = import_module(f"bench.engines.{name}")
        address = self.url.removeprefix("http://")
        self._connection = http.client.HTTPConnection(address, timeout=ANSWER_S)

    def seed(self, vectors: Floats, payloads: Sequence[dict[str, Any]]) -> None:
        """Hold more vectors (n x dims, float32) and index them.

        Ids are places in the order of seeding. A payload has ``tenantId``,
        ``documentType`` and ``effectiveDate`` (``YYYY-MM-DD``), and may have more.
        Raises BenchError where the engine refuses.
        """
        for first in range(0, len(payloads), _AT_ONCE):
            part = vectors[first : first + _AT_ONCE]
            body = {
                "dims": part.shape[1],
                "vectors": part.astype("<f4").tobytes(),
                "payloads": payloads[first : first + _AT_ONCE],
            }
            self._sent("PUT", "/seed", msgspec.msgpack.encode(body))
        self._sent("POST", "/index", b"")
        self.count += len(payloads)

    def query(self, vector: Floats, wanted: Filter | None, k: int) -> list[Match]:
        """The ``k`` nearest vectors that pass ``wanted``, best first. Raises
        BenchError where the engine gives no answer."""
        found: list[Match] = self._module.matches(self.asked(vector, wanted, k).reply)
        return found

    def asked(self, vector: Floats, wanted: Filter | None, k: int) -> Asked:
        """The same, as answered and timed."""
        return self.post(*self._module.request(vector, wanted, k))

    def post(self, path: str, body: Mapping[str, Any]) -> Asked:
        """A request in the engine's own form. Raises BenchError."""
        data = orjson.dumps(body)
        began = perf_counter()
        reply, timing = self._sent("POST", path, data)
        wall = 1000 * (perf_counter() - began)
        told = _TIMING.search(timing)
        if told is None:
            raise BenchError(f"{self.name} does not say how long it took")
        return Asked(orjson.loads(reply), wall, float(told[1]), float(told[2]))

    def sql(self, query: str, params: Sequence[Any] = ()) -> Asked:
        """A statement, for PostgreSQL. Raises BenchError."""
        return self.post("/sql", {"query": query, "params": params})

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _sent(self, method: str, path: str, body: bytes) -> tuple[bytes, str]:
        try:
            self._connection.request(method, path, body)
            response = self._connection.getresponse()
            said = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise BenchError(f"{self.name} gave no answer: {error!r}") from error
        if response.status != 200:
            told = said.decode(errors="replace")[:300]
            raise BenchError(f"{self.name} answered {response.status} {told}")
        return said, response.headers.get("server-timing", "")


@contextmanager
def start(
    name: str, folder: Path | None = None, *, cpus: set[int] | None = None
) -> Iterator[Running]:
    """Start the engine ``name`` and wait until it listens; it ends with the block.

    It keeps its files in ``folder``, or where the system puts temporary ones, and
    leaves none. ``cpus`` pins its processes, which end with this one too, however it
    ends. Raises BenchError where it cannot run.
    """
    own = Path(tempfile.mkdtemp(prefix="workbench-", dir=folder))
    try:
        command = [
            *(sys.executable, "-m", "bench.engines._server"),
            *("--engine", name, "--folder", str(own)),
            *("--cpus", ",".join(str(cpu) for cpu in sorted(cpus or ()))),
            *("--parent", str(os.getpid())),
        ]
        with launch(command) as services, closing(Running(name, services)) as running:
            yield running
    finally:
        shutil.rmtree(own, ignore_errors=True)
