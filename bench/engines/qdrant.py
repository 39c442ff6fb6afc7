"""Qdrant: its engine, compiled into a Python module, behind its REST API.

The engine is the one of the server (segments, HNSW, payload indexes, planner); what is
left out is the server around it: gRPC, shards over machines, raft. The graph has
Qdrant's defaults (m 16, ef 100), but is built and used at every size, where Qdrant
would scan what is below 10,000 KB, so that a small index is searched as a large one is.
A filtered query asks for ACORN (Qdrant docs, search, 2026-11): without it the graph
loses some of what a filter of several fields lets pass, here up to a fifth.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _installed
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from bench.engines import Filter, Match
from bench.engines._client import start as _start
from bench.engines._corpus import Floats
from bench.engines._service import Engine
from bench.services._messages import Call, Refusal, Reply, json_reply, not_found

if TYPE_CHECKING:
    import qdrant_edge

NOTE = "Qdrant's engine in a process of its own, asked by Qdrant's REST API"
HOST = "qdrant"
PATH = "/collections/chunks/points/query"
M, EF_CONSTRUCT, GRAPH_FROM_KB = 16, 100, 1
_PACKAGE = "qdrant-edge-py"

start = partial(_start, "qdrant")


def version() -> str:
    """Name and version."""
    try:
        return f"Qdrant Edge {_installed(_PACKAGE)}"
    except PackageNotFoundError:
        return "Qdrant Edge"


def unavailable() -> str | None:
    """Why it cannot run here."""
    if find_spec("qdrant_edge") is None:
        return f"Qdrant is not here: {_PACKAGE} is not installed"
    return None


def request(
    vector: Floats, wanted: Filter | None, k: int
) -> tuple[str, dict[str, Any]]:
    """Path and body of a query (Qdrant, REST API, ``points/query``)."""
    body = {"query": vector.tolist(), "limit": k, "with_payload": True}
    if wanted is not None:
        body |= {"filter": said(wanted), "params": {"acorn": {"enable": True}}}
    return PATH, body


def said(wanted: Filter) -> dict[str, Any]:
    """``wanted`` in Qdrant's words; of ``should`` one at least must hold."""
    return {
        "must": [
            {"key": "tenantId", "match": {"value": wanted.tenant}},
            {"key": "effectiveDate", "range": {"gt": wanted.after}},
        ],
        "should": [
            {"key": "documentType", "match": {"value": kind}} for kind in wanted.kinds
        ],
    }


def matches(reply: Mapping[str, Any]) -> list[Match]:
    """What an answer holds, best first."""
    points = reply["result"]["points"]
    return [Match(p["id"], p["score"], p["payload"]) for p in points]


class Service(Engine):
    """One collection, ``chunks``."""

    def clear(self) -> None:
        """Hold nothing; the dimensions are those of what comes first."""
        self.close()
        self._count = 0
        self._shard: qdrant_edge.EdgeShard | None = None

    def close(self) -> None:
        """Give the files back."""
        shard = getattr(self, "_shard", None)
        if shard is not None:
            shard.close()
            shutil.rmtree(self.folder / "shard", ignore_errors=True)

    def add(self, vectors: Floats, payloads: Sequence[dict[str, Any]]) -> None:
        """Upsert points."""
        import qdrant_edge as q

        if self._shard is None:
            self._shard = self._created(vectors.shape[1])
        points = [
            q.Point(self._count + i, row.tolist(), payload)
            for i, (row, payload) in enumerate(zip(vectors, payloads, strict=True))
        ]
        self._shard.update(q.UpdateOperation.upsert_points(points))
        self._count += len(points)

    def index(self) -> None:
        """Build the graph."""
        if self._shard is not None:
            self._shard.optimize()

    def answer(self, call: Call) -> Reply:
        """Answer a query."""
        import qdrant_edge as q

        if call.route != f"POST {PATH}":
            return not_found(call)
        try:
            asked = orjson.loads(call.body)
            with self.timed():
                wanted = _filter(asked["filter"]) if "filter" in asked else None
                found = self._queried(
                    q.QueryRequest(
                        asked["limit"],
                        query=q.Query.Nearest(asked["query"]),
                        with_payload=asked.get("with_payload", False),
                        filter=wanted,
                        params=_params(asked.get("params", {})),
                    )
                )
        except Exception as error:  # the engine's errors have no type of their own
            raise Refusal(json_reply(_error(error), 400)) from error
        points = [
            {
                "id": point.id,
                "version": point.version,
                "score": np.float32(point.score),
                "payload": point.payload,
            }
            for point in found
        ]
        result = {"points": points}
        return json_reply({"result": result, "status": "ok", "time": self.spent_s})

    def _queried(
        self, asked: qdrant_edge.QueryRequest
    ) -> Sequence[qdrant_edge.ScoredPoint]:
        return [] if self._shard is None else self._shard.query(asked)

    def _created(self, dims: int) -> qdrant_edge.EdgeShard:
        import qdrant_edge as q

        config = q.EdgeConfig(
            vectors=q.EdgeVectorParams(size=dims, distance=q.Distance.Cosine),
            hnsw_config=q.HnswIndexConfig(M, EF_CONSTRUCT, GRAPH_FROM_KB),
            optimizers=q.EdgeOptimizersConfig(indexing_threshold=GRAPH_FROM_KB),
        )
        shard = q.EdgeShard.create(str(self.folder / "shard"), config)
        kinds = q.PayloadSchemaType
        for name, kind in (
            ("tenantId", kinds.Keyword),
            ("documentType", kinds.Keyword),
            ("effectiveDate", kinds.Datetime),
        ):
            shard.update(q.UpdateOperation.create_field_index(name, kind))
        return shard


def _params(said: Mapping[str, Any]) -> qdrant_edge.SearchParams:
    import qdrant_edge as q

    acorn = said.get("acorn", {}).get("enable", False)
    return q.SearchParams(acorn=q.AcornSearchParams(enable=acorn))


def _filter(said: Mapping[str, Any]) -> qdrant_edge.Filter:
    """The clauses that this package writes, in the engine's types."""
    import qdrant_edge as q

    strange = set(said) - {"must", "should", "must_not"}
    if strange:
        raise ValueError(f"a filter has no {min(strange)!r} here")
    clauses = {name: [*map(_condition, each)] for name, each in said.items()}
    return q.Filter(clauses.get("must"), clauses.get("should"), clauses.get("must_not"))


def _condition(said: Mapping[str, Any]) -> qdrant_edge.ConditionType:
    import qdrant_edge as q

    if "key" not in said:
        return _filter(said)
    if "range" in said:
        return q.FieldCondition(said["key"], range=q.RangeDateTime(**said["range"]))
    return q.FieldCondition(said["key"], match=q.MatchValue(said["match"]["value"]))


def _error(error: Exception) -> dict[str, Any]:
    return {"status": {"error": f"Wrong input: {error!r}"}, "time": 0.0}
