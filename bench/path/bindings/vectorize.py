"""Vectorize: nearest chunks of a tenant, and upserts of new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.path import wire
from bench.path.env import DIMENSIONS, Env
from bench.path.errors import BadStatus, Malformed
from bench.path.http import Call

SERVICE = "vectorize"
UPSERT_LIMIT = 1000  # vectors a call from a Worker (Cloudflare docs, 2026-08-05)


@dataclass(frozen=True, slots=True)
class Match:
    """One near chunk; ``values`` is empty unless they were asked for."""

    id: str
    score: float
    metadata: dict[str, Any]
    values: list[float]


def query(
    env: Env, vector: Sequence[float], tenant: str, top_k: int, *, values: bool
) -> list[Match]:
    """The ``top_k`` chunks of ``tenant`` nearest to ``vector``, best first."""
    question = {
        "topK": top_k,
        "returnValues": values,
        "returnMetadata": "all",
        "filter": {"tenantId": tenant},
        "vector": vector,
    }
    headers = {"content-type": "application/json"}
    answer = _post(env, "/query", headers, wire.dumps(question))
    try:
        found = answer["matches"]
        if not isinstance(found, list):
            raise TypeError("no list")
        return [_match(match) for match in found]
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise Malformed(SERVICE, "matches") from error


def upsert(env: Env, lines: Sequence[bytes]) -> str:
    """Store at most ``UPSERT_LIMIT`` vectors, a JSON line each; their mutation's id."""
    headers = {
        "content-type": "application/x-ndjson",
        "cf-vector-search-dim-width": str(DIMENSIONS),
        "cf-vector-search-dim-height": str(len(lines)),
    }
    answer = _post(env, "/upsert", headers, b"\n".join(lines))
    try:
        return str(answer["mutationId"])
    except (TypeError, LookupError) as error:
        raise Malformed(SERVICE, "mutationId") from error


def _post(env: Env, path: str, headers: dict[str, str], body: bytes) -> Any:
    call = Call(SERVICE, "POST", path, headers, body, env.options.timeout_s)
    reply = env.transport.send(call)
    if reply.status != 200:
        raise BadStatus(SERVICE, reply.status)
    try:
        return wire.loads(reply.body)
    except ValueError as error:
        raise Malformed(SERVICE, "body") from error


def _match(match: dict[str, Any]) -> Match:
    metadata = match.get("metadata") or {}
    values = match.get("values") or []
    if not isinstance(metadata, dict) or not isinstance(values, list):
        raise TypeError("metadata or values")
    if not isinstance(match["id"], str):
        raise TypeError("id")
    return Match(match["id"], float(match["score"]), metadata, values)
