"""What the re-ranking service itself costs: CPU and wall clock a query, by batch.

The other side of the offer: what leaves the Worker is paid for elsewhere, and how it is
written decides most of it. One process on the measuring core, asked by one client over
loopback; its CPU is read from outside, all threads of it.
"""

from __future__ import annotations

import http.client
import time
from contextlib import closing
from typing import Any

import numpy as np
import orjson

from bench.errors import BenchError, UserError
from bench.measure import affinity
from bench.measure.statistics import typical
from bench.offload import hosts, questions
from bench.offload.questions import Question
from bench.services import Services
from bench.services._rerank_wire import BYTES, JSON
from bench.workerd.threads import Threads
from bench.world import NOW

BATCHES = (1, 8, 32)
BODIES = ("json", "binary", "ids")
MIN_REQUESTS = 5
_WARM_REQUESTS = 3
Row = dict[str, Any]


def measure(*, seconds: float, seed: int, k: int = 8, dims: int = 1536) -> list[Row]:
    """Rows ``{device, backend, body, batch, k, dims, cpu_us_per_query,
    wall_us_per_query, n}``, for the CPU and for a GPU where there is one.

    A request holds ``batch`` queries of ``k`` candidates; the costs are those of a
    typical request of ``n``, shared by its queries, CPU on the host alone. Takes about
    ``seconds``, and at least ``MIN_REQUESTS`` requests a row. Raises BenchError where
    the service does not start, or refuses.
    """
    core = affinity.plan().measuring
    with (
        affinity.driving(),
        hosts.start(None if core is None else {core}) as running,
    ):
        (asked,) = questions.ask([(k, dims)], seed)
        devices = [device for device in ("cpu", "cuda") if _chosen(running, device)]
        each = seconds / (len(devices) * len(BODIES) * len(BATCHES))
        rows = []
        for device in devices:
            running.configure(hosts.RERANK, device=device)
            running.put(hosts.RERANK, {"vectors": questions.vectors([asked])})
            backend = hosts.info(running)["backend"]
            for body in BODIES:
                for batch in BATCHES:
                    place = {"device": device, "backend": backend, "body": body}
                    cost = _cost(running, asked, body, batch, each)
                    rows.append({**place, "batch": batch, "k": k, "dims": dims, **cost})
        return rows


def request(question: Question, body: str, batch: int) -> bytes:
    """A request of ``batch`` equal queries in one of the forms of ``BODIES``."""
    query = np.array(question.query, dtype="<f4")
    rows = np.array([match.values for match in question.exact], dtype="<f4")
    about: Row = {"tenant": question.tenant, "now": NOW}
    facts = [
        {name: match.metadata[name] for name in ("createdAt", "weight", "tenantId")}
        for match in question.exact
    ]
    if body == "json":
        candidates = [
            fact | {"values": values} for fact, values in zip(facts, rows, strict=True)
        ]
        one = about | {"query": query, "candidates": candidates}
        return orjson.dumps(
            {"queries": [one] * batch}, None, orjson.OPT_SERIALIZE_NUMPY
        )
    if body == "binary":
        one, parts = about | {"candidates": facts}, [query.tobytes(), rows.tobytes()]
    else:
        ids = [match.id for match in question.exact]
        one, parts = about | {"ids": ids}, [query.tobytes()]
    header = orjson.dumps({"dims": question.dims, "queries": [one] * batch})
    padding = bytes(-len(header) % 4)
    length = len(header).to_bytes(4, "little")
    return b"".join([length, header, padding, *parts * batch])


def kind(body: str) -> str:
    """The content type of a form."""
    return JSON if body == "json" else BYTES


def _chosen(running: Services, device: str) -> bool:
    try:
        running.configure(hosts.RERANK, device=device)
    except UserError:
        return False
    return True


def _cost(
    running: Services, question: Question, body: str, batch: int, seconds: float
) -> Row:
    data, headers = request(question, body, batch), {"content-type": kind(body)}
    headers["accept"] = headers["content-type"]
    threads = Threads(running.pid)
    cpu: list[float] = []
    wall: list[float] = []
    until = time.monotonic() + seconds
    address = running.endpoints["rerank"].removeprefix("http://")
    with closing(http.client.HTTPConnection(address)) as connection:
        for number in range(-_WARM_REQUESTS, 10_000):
            if number >= MIN_REQUESTS and time.monotonic() > until:
                break
            before = threads.now()
            began = time.perf_counter_ns()
            _answered(connection, data, headers)
            spent = time.perf_counter_ns() - began
            after = threads.settled()
            if number >= 0:
                wall.append(spent / batch)
                used = after.cpu - before.cpu + after.helpers - before.helpers
                cpu.append(used / batch)
    return {
        "cpu_us_per_query": typical(cpu) / 1000,
        "wall_us_per_query": typical(wall) / 1000,
        "n": len(cpu),
    }


def _answered(
    connection: http.client.HTTPConnection, data: bytes, headers: dict[str, str]
) -> None:
    try:
        connection.request("POST", "/rerank", data, headers)
        reply = connection.getresponse()
        said = reply.read()
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"the re-ranking service gave no answer: {error!r}") from error
    if reply.status != 200:
        raise BenchError(f"the re-ranking service answered {reply.status} {said!r}")
