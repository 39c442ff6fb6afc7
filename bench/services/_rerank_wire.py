"""What the re-ranking service takes and gives, as JSON and as bytes.

``POST /rerank`` with ``application/json``:

    {"queries": [{"query": [x, ..], "tenant": text, "now": seconds,
                  "candidates": [{"values": [x, ..], "createdAt"?: seconds,
                                  "weight"?: x, "tenantId"?: text}, ..]}, ..]}

or, in the place of ``candidates``, ``"ids": [text, ..]`` of vectors that the service
holds. With ``application/octet-stream`` the vectors are float32, all little-endian:

    4 bytes    H, the length of the header, uint32
    H bytes    the header: the JSON above without query and values, and "dims" beside
               "queries"; zeros follow up to a multiple of 4 bytes
    the rest   for each query: its vector, then that of each of its candidates, dims
               float32 each; with ids, its vector alone

The answer is JSON, or bytes where ``Accept`` is ``application/octet-stream``: for each
query ``order``, the places of its candidates from best to worst (uint32), then
``scores`` in that order (float32). ``{"results": [{"order": [..], "scores": [..]}]}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.services._index import Floats
from bench.services._messages import Call, Refusal, Reply, json_reply

JSON, BYTES = "application/json", "application/octet-stream"
MAX_DIMS, MAX_QUERIES, MAX_CANDIDATES = 4096, 256, 1000
MAX_BYTES = 256 * 2**20
# Of a coordinate. The squares of 4,096 of them still add up in float32.
MAX_VALUE = 1e15
MAX_WEIGHT = 1e6

Dims = Annotated[int, msgspec.Meta(ge=1, le=MAX_DIMS)]
Weight = Annotated[float, msgspec.Meta(ge=-MAX_WEIGHT, le=MAX_WEIGHT)]
Tenant = Annotated[str, msgspec.Meta(min_length=1)]
Item = TypeVar("Item")
Some = Annotated[list[Item], msgspec.Meta(min_length=1, max_length=MAX_QUERIES)]
Few = Annotated[list[Item], msgspec.Meta(max_length=MAX_CANDIDATES)]


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What the custom score needs of a candidate beside its vector."""

    created_at: float = 0.0
    weight: Weight = 1.0
    tenant_id: str = ""


class Valued(Facts, frozen=True, kw_only=True):
    """A candidate of a JSON body."""

    values: list[float]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A query in the header of a binary body."""

    tenant: Tenant
    now: float
    candidates: Few[Facts] | None = None
    ids: Few[str] | None = None


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A query of a JSON body."""

    query: list[float]
    tenant: Tenant
    now: float
    candidates: Few[Valued] | None = None
    ids: Few[str] | None = None


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The header of a binary body."""

    dims: Dims
    queries: Some[Asked]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A JSON body."""

    queries: Some[Written]


@dataclass(frozen=True, slots=True)
class Job:
    """One query: either ``rows``, (k, dims) with ``facts``, or ``ids``."""

    query: Floats
    tenant: str
    now: float
    rows: Floats | None = None
    facts: Sequence[Facts] = ()
    ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """Places of the candidates, best first, and their scores in that order."""

    order: NDArray[np.uint32]
    scores: Floats


def refuse(status: int, text: str) -> NoReturn:
    """Answer an error."""
    raise Refusal(json_reply({"error": text}, status))


def parse(call: Call) -> list[Job]:
    """The queries of a request. Raises Refusal (400, 413, 415) for a bad one."""
    if len(call.body) > MAX_BYTES:
        refuse(413, f"a body has at most {MAX_BYTES} bytes, not {len(call.body)}")
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == JSON:
        return [_written(query) for query in _decoded(call.body, Body).queries]
    if kind == BYTES:
        return _packed(call.body)
    refuse(415, f"a body is {JSON} or {BYTES}, not {kind or 'without a type'}")


def reply(rankings: Sequence[Ranking], accept: str) -> Reply:
    """The answer, in the form that ``accept`` asks for."""
    if accept != BYTES:
        results = [{"order": one.order, "scores": one.scores} for one in rankings]
        return json_reply({"results": results})
    parts = [
        part
        for one in rankings
        for part in (one.order.astype("<u4"), one.scores.astype("<f4"))
    ]
    body = b"".join(part.tobytes() for part in parts)
    return Reply(200, {"Content-Type": BYTES}, body)


def vectors(values: Sequence[Sequence[float]]) -> Floats:
    """As float32, (n, dims). Raises Refusal where a value is none, or too large."""
    with np.errstate(over="ignore"):  # what overflows is found by its size
        return _bounded(np.array(values, dtype=np.float32))


def _decoded(text: bytes | memoryview, kind: type[Item]) -> Item:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        refuse(400, str(error))


def _written(query: Written) -> Job:
    vector = vectors([query.query])[0]
    if not 1 <= len(vector) <= MAX_DIMS:
        refuse(400, f"a query has 1 to {MAX_DIMS} dimensions, not {len(vector)}")
    _check_either(query)
    if query.candidates is None:
        return Job(vector, query.tenant, query.now, ids=query.ids or ())
    for place, candidate in enumerate(query.candidates):
        if (got := len(candidate.values)) != len(vector):
            refuse(
                400,
                f"candidate {place} has {got} dimensions, its query {len(vector)}",
            )
    rows = vectors([each.values for each in query.candidates])
    shaped = rows.reshape(len(query.candidates), len(vector))
    return Job(vector, query.tenant, query.now, shaped, query.candidates)


def _packed(body: bytes) -> list[Job]:
    header, start = _header(body)
    for query in header.queries:
        _check_either(query)
    counts = [1 + len(query.candidates or ()) for query in header.queries]
    wanted = start + 4 * header.dims * sum(counts)
    if len(body) != wanted:
        refuse(400, f"the header promises {wanted} bytes, there are {len(body)}")
    rows = _bounded(np.frombuffer(body, "<f4", offset=start))
    rows = rows.astype(np.float32, copy=False).reshape(-1, header.dims)
    jobs = []
    for query, count in zip(header.queries, counts, strict=True):
        mine, rows = rows[:count], rows[count:]
        given = (mine[0], query.tenant, query.now)
        if query.candidates is None:
            jobs.append(Job(*given, ids=query.ids or ()))
        else:
            jobs.append(Job(*given, mine[1:], query.candidates))
    return jobs


def _header(body: bytes) -> tuple[Header, int]:
    """The header, and where the rows begin."""
    if len(body) < 4:
        refuse(400, "the length of the header is missing")
    length = int.from_bytes(body[:4], "little")
    if 4 + length > len(body):
        refuse(400, f"the header is {length} bytes long, {len(body) - 4} follow")
    header = _decoded(memoryview(body)[4 : 4 + length], Header)
    return header, 4 + -(-length // 4) * 4


def _check_either(query: Asked | Written) -> None:
    if (query.candidates is None) == (query.ids is None):
        refuse(400, "a query has either candidates or ids")


def _bounded(values: NDArray[Any]) -> Floats:
    # Not a number compares as false.
    if values.size and not np.abs(values).max() <= MAX_VALUE:
        refuse(400, f"a coordinate is not a number between -{MAX_VALUE:g} and that")
    return values
