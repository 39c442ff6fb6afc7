"""What Vectorize accepts: limits with the codes and texts that it answers.

Limits: Cloudflare docs, Vectorize limits, 2026-08-05. Codes 40006, 40007, 40008,
40012, 40023, 40025, 40026 and 40041 with their texts were seen in public reports of
2024 to 2026; where none is on record the nearest of them is used, with a text of ours.
"""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec
import numpy as np
import orjson

from bench.services._filters import Predicate, compile_filter
from bench.services._index import Floats, Item
from bench.services._messages import Refusal, json_reply

MAX_DIMENSIONS = 1536
MAX_TOP_K_WITH_DATA = 50
MAX_TOP_K = 100
MAX_METADATA = 10 * 1024
MAX_ID = MAX_NAMESPACE = 64
MAX_BATCH = 1000
MAX_GET_IDS, MAX_DELETE_IDS = 20, 100

BAD_QUERY, TOO_MANY_IDS, BAD_ID, BAD_VECTOR = 40006, 40007, 40008, 40012
BAD_UPSERT_JSON, BAD_TOP_K, BAD_JSON, TOO_MANY_REQUESTS = 40023, 40025, 40026, 40041


class Query(msgspec.Struct, rename="camel"):
    """Body of /query; the defaults are Vectorize's."""

    vector: list[float] | None = None
    vector_id: str | None = None
    top_k: int = 5
    return_values: bool = False
    return_metadata: str = "none"
    filter: dict[str, Any] | None = None
    namespace: str | None = None


class Vector(msgspec.Struct):
    """One vector of /insert or /upsert."""

    id: str
    values: list[float]
    namespace: str | None = None
    metadata: dict[str, Any] | None = None


def refuse(code: int, text: str, status: int = 400) -> NoReturn:
    """Answer an error as Vectorize shapes it."""
    raise Refusal(json_reply({"code": code, "error": text}, status))


def parse_query(body: bytes, dimensions: int) -> tuple[Query, Predicate | None]:
    """The query and its filter, if all limits hold."""
    try:
        query = msgspec.json.decode(body, type=Query)
    except msgspec.MsgspecError as error:
        refuse(BAD_JSON, f"Failed to parse the request body as JSON: {error}")
    if query.return_metadata not in {"none", "indexed", "all"}:
        refuse(
            BAD_JSON,
            "Failed to parse the request body as JSON: returnMetadata: expected value",
        )
    _check_top_k(query)
    if query.vector is not None:
        got = len(query.vector)
        if got != dimensions:
            refuse(
                BAD_QUERY,
                f"invalid query vector, expected {dimensions} dimensions, "
                f"and got {got} dimensions",
            )
        if not np.isfinite(as_floats(query.vector)).all():
            refuse(BAD_QUERY, "invalid query vector, a number is not a float32")
    elif query.vector_id is None:
        refuse(BAD_JSON, "Failed to parse the request body as JSON: no query vector")
    try:
        return query, None if query.filter is None else compile_filter(query.filter)
    except ValueError as error:
        refuse(BAD_JSON, f"invalid filter: {error}")


def _check_top_k(query: Query) -> None:
    asked = query.top_k
    with_data = query.return_values or query.return_metadata == "all"
    if with_data and asked > MAX_TOP_K_WITH_DATA:
        refuse(
            BAD_TOP_K,
            "with returnValues=true or returnMetadata=all, max top K is "
            f"{MAX_TOP_K_WITH_DATA}, but got {asked}; for a top K up to {MAX_TOP_K}, "
            "retry with returnValues=false and returnMetadata=indexed",
        )
    if asked > MAX_TOP_K:
        refuse(BAD_TOP_K, f"max top K is {MAX_TOP_K}, but got {asked}")
    if asked < 1:
        refuse(BAD_TOP_K, f"min top K is 1, but got {asked}")


def parse_vectors(body: bytes, content_type: str, dimensions: int) -> list[Item]:
    """Vectors of a batch, as NDJSON lines or ``{"vectors": [...]}``."""
    try:
        if "ndjson" in content_type:
            given = msgspec.json.Decoder(Vector).decode_lines(body)
        else:
            given = msgspec.json.decode(body, type=dict[str, list[Vector]])["vectors"]
    except (msgspec.MsgspecError, KeyError) as error:
        refuse(BAD_UPSERT_JSON, f"failed to parse upsert vectors request: {error}")
    if not 1 <= len(given) <= MAX_BATCH:
        refuse(
            BAD_UPSERT_JSON, f"max batch size is {MAX_BATCH} vectors, got {len(given)}"
        )
    return [checked_item(vector, dimensions) for vector in given]


def checked_item(vector: Vector, dimensions: int) -> Item:
    """The vector as float32, if its limits hold."""
    if not 1 <= (size := len(vector.id.encode())) <= MAX_ID:
        refuse(BAD_ID, f"id too long; max is {MAX_ID} bytes, got {size} bytes")
    if (got := len(vector.values)) != dimensions:
        refuse(
            BAD_VECTOR,
            f'invalid vector for id="{vector.id}", expected {dimensions} dimensions, '
            f"and got {got} dimensions",
        )
    if (size := len((vector.namespace or "").encode())) > MAX_NAMESPACE:
        refuse(
            BAD_ID,
            f"namespace too long; max is {MAX_NAMESPACE} bytes, got {size} bytes",
        )
    metadata = vector.metadata or {}
    if (size := len(orjson.dumps(metadata))) > MAX_METADATA:
        refuse(
            BAD_VECTOR,
            f'metadata too large for id="{vector.id}"; '
            f"max is {MAX_METADATA} bytes, got {size} bytes",
        )
    for key in metadata:
        if not key or "." in key or '"' in key or key.startswith("$"):
            refuse(BAD_VECTOR, f'invalid metadata key {key!r} for id="{vector.id}"')
    values = as_floats(vector.values)
    if not np.isfinite(values).all():
        refuse(BAD_VECTOR, f'a number of id="{vector.id}" is not a float32')
    return Item(vector.id, values, vector.namespace, metadata)


def parse_ids(body: bytes, limit: int) -> list[str]:
    """The ids of /getByIds or /deleteByIds."""
    try:
        ids = msgspec.json.decode(body, type=dict[str, list[str]])["ids"]
    except (msgspec.MsgspecError, KeyError) as error:
        refuse(BAD_JSON, f"Failed to parse the request body as JSON: {error}")
    if len(ids) > limit:
        refuse(
            TOO_MANY_IDS,
            f"too many ids in payload; max id count is {limit}, got {len(ids)}",
        )
    return ids


def as_floats(values: list[float]) -> Floats:
    """float32, which is what Vectorize stores; what is too large becomes infinite."""
    with np.errstate(over="ignore"):
        return np.array(values, dtype=np.float64).astype(np.float32)
