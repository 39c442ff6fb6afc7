"""PostgreSQL with pgvector, asked by SQL over HTTP.

A Worker reaches PostgreSQL over a TCP connection of its own, or over HTTP where a
provider offers it; the form here is that of Neon's serverless driver: ``POST /sql``
with ``{"query", "params"}``, or ``{"queries": [..]}`` as one transaction, answered by
``{"command", "rowCount", "fields", "rows"}`` each. Of pgvector's settings the graph is
made as Qdrant's (m 16, ef 100), a filtered search goes on until it has found enough
(``iterative_scan``), and sorting is off, so that a small table is searched through the
graph as a large one is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import orjson

from bench.engines import Filter, Match
from bench.engines import _cluster as cluster
from bench.engines._client import start as _start
from bench.engines._corpus import Floats
from bench.engines._service import Engine
from bench.services._messages import Call, Refusal, Reply, json_reply, not_found
from bench.workerd.threads import Threads

NOTE = "PostgreSQL with pgvector in processes of its own, asked by SQL over HTTP"
HOST = "postgres"
PATH = "/sql"
M, EF_CONSTRUCT, EF_SEARCH = 16, 100, 100
_SESSION = (
    f"SET hnsw.ef_search = {EF_SEARCH}",
    "SET hnsw.iterative_scan = strict_order",
    "SET enable_sort = off",
)
_COLUMNS = "id, tenant_id, document_type, effective_date, metadata, embedding"
_TABLE = """CREATE TABLE chunks (
  id bigint PRIMARY KEY,
  tenant_id text NOT NULL,
  document_type text NOT NULL,
  effective_date date NOT NULL,
  metadata jsonb NOT NULL,
  embedding vector({dims}) NOT NULL
)"""
_INDEXES = (
    "CREATE INDEX IF NOT EXISTS chunks_filter ON chunks "
    "(tenant_id, document_type, effective_date)",
    "CREATE INDEX IF NOT EXISTS chunks_near ON chunks USING hnsw "
    f"(embedding vector_cosine_ops) WITH (m = {M}, ef_construction = {EF_CONSTRUCT})",
    "VACUUM ANALYZE",
)
_EPOCH = date(2000, 1, 1)  # of PostgreSQL's dates

start = partial(_start, "postgres")
version = cluster.version
unavailable = cluster.unavailable


def request(
    vector: Floats, wanted: Filter | None, k: int
) -> tuple[str, dict[str, Any]]:
    """Path and body of a query."""
    params: list[Any] = [orjson.dumps(vector.tolist()).decode(), k]
    if wanted is not None:
        params += [wanted.tenant, wanted.after, *wanted.kinds]
    kinds = 0 if wanted is None else len(wanted.kinds)
    return PATH, {"query": statement(kinds), "params": params}


def statement(kinds: int) -> str:
    """The search: ``$1`` vector as text, ``$2`` how many, and for a filter ``$3``
    tenant, ``$4`` date, then as many ``kinds``; without any there is no filter."""
    either = " OR ".join(f"document_type = ${5 + i}" for i in range(kinds))
    where = f"WHERE tenant_id = $3 AND ({either}) AND effective_date > $4::date"
    return "\n".join(
        [
            "SELECT id, 1 - (embedding <=> $1::vector) AS score, metadata FROM chunks",
            *([where] if kinds else []),
            "ORDER BY embedding <=> $1::vector LIMIT $2",
        ]
    )


def matches(reply: Mapping[str, Any]) -> list[Match]:
    """What an answer holds, best first."""
    return [Match(r["id"], r["score"], r["metadata"]) for r in reply["rows"]]


class Service(Engine):
    """One table ``chunks``, and whatever else is made by SQL."""

    def clear(self) -> None:
        """A new cluster."""
        self.close()
        self._count = 0
        self._cluster = cluster.Cluster(self.folder / "postgres.log")
        self._connection = self._cluster.connect()
        for setting in _SESSION:
            self._connection.execute(setting.encode())

    def close(self) -> None:
        """End the cluster."""
        running = getattr(self, "_cluster", None)
        if running is not None:
            self._connection.close()
            running.close()

    def cpu_s(self) -> float:
        """CPU seconds of the server's process for this connection, and our own."""
        theirs = Threads(self._connection.info.backend_pid).now()
        return super().cpu_s() + (theirs.cpu + theirs.helpers) / 1e9

    def add(self, vectors: Floats, payloads: Sequence[dict[str, Any]]) -> None:
        """Copy rows in."""
        if not self._count:
            self._connection.execute(_TABLE.format(dims=vectors.shape[1]).encode())
        copied = f"COPY chunks ({_COLUMNS}) FROM STDIN WITH (FORMAT BINARY)"
        with (
            self._connection.cursor() as cursor,
            cursor.copy(copied.encode()) as copy,
        ):
            for block in _binary(self._count, vectors, payloads):
                copy.write(block)
        self._count += len(payloads)

    def index(self) -> None:
        """Build the indexes, and let the planner know the data."""
        if self._count:
            for made in _INDEXES:
                self._connection.execute(made.encode())

    def answer(self, call: Call) -> Reply:
        """Run a statement, or several in one transaction."""
        import psycopg

        if call.route != f"POST {PATH}":
            return not_found(call)
        try:
            asked = orjson.loads(call.body)
            several = "queries" in asked
            together = self._connection.transaction() if several else nullcontext()
            with self.timed(), together:
                results = [
                    self._result(each["query"], each.get("params", []))
                    for each in (asked["queries"] if several else [asked])
                ]
        except psycopg.Error as error:
            said = {"message": str(error).strip(), "code": error.sqlstate}
            raise Refusal(json_reply(said, 400)) from error
        except (KeyError, TypeError, ValueError) as error:
            raise Refusal(json_reply({"message": repr(error)}, 400)) from error
        return json_reply({"results": results} if several else results[0])

    def _result(self, query: str, params: Sequence[Any]) -> dict[str, Any]:
        cursor = self._connection.execute(query.encode(), params)
        columns = cursor.description or ()
        names = [column.name for column in columns]
        rows = cursor.fetchall() if columns else []
        return {
            "command": (cursor.statusmessage or "").partition(" ")[0],
            "rowCount": cursor.rowcount,
            "fields": [
                {"name": column.name, "dataTypeID": column.type_code}
                for column in columns
            ],
            "rows": [dict(zip(names, row, strict=True)) for row in rows],
        }


def _binary(
    first: int, vectors: Floats, payloads: Iterable[Mapping[str, Any]]
) -> Iterator[bytes]:
    """Rows in COPY's binary format; a vector is its length, a zero, and float32."""
    yield b"PGCOPY\n\xff\r\n\0" + bytes(8)
    big = np.ascontiguousarray(vectors, dtype=">f4")
    dims = struct.pack(">HH", vectors.shape[1], 0)
    for place, payload in enumerate(payloads):
        days = (date.fromisoformat(payload["effectiveDate"]) - _EPOCH).days
        fields = (
            struct.pack(">q", first + place),
            payload["tenantId"].encode(),
            payload["documentType"].encode(),
            struct.pack(">i", days),
            b"\1" + orjson.dumps(payload),  # the version of jsonb
            dims + big[place].tobytes(),
        )
        yield struct.pack(">h", len(fields)) + b"".join(
            struct.pack(">i", len(field)) + field for field in fields
        )
    yield struct.pack(">h", -1)
