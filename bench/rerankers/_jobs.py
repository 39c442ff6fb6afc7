"""What is ranked: a query and the matches that an index found for it.

A generated job is like the committed Vectorize result, at any size, and numpy makes the
largest one, 1,000 matches of 3,072 dimensions, in half a second. Its bytes are the same
each time on one machine; between machines numpy's sums may differ in the last bit. The
numbers are the shortest text of a float32, with exponents below 1e-5 (``4.58e-6``).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.fixtures._passages import passage
from bench.fixtures._phrases import TENANTS
from bench.fixtures._random import Source
from bench.path import wire
from bench.path.bindings.vectorize import Match
from bench.path.chat import rerank

Floats = NDArray[np.float32]

SEED = 1
NOW = 1_790_000_000.0  # 2026-09-21T14:13:20Z, later than everything in the fixtures
# Cosines between a question and its best passages under text-embedding-3-small.
_SIMILARITY = (0.3, 0.72)
# Length of what a rephrased question adds to the vector of the question.
_REPHRASED = 0.5


@dataclass(frozen=True, eq=False)
class Job:
    """A query and its matches, in the forms that they can come in.

    ``query32`` has shape (dims,), ``rows`` (k, dims), both float32. ``bare`` are the
    matches without values. The clock stands at ``now``, in Unix seconds. ``response``
    is the body of the Vectorize result with values.
    """

    query32: Floats
    rows: Floats
    bare: list[Match]
    tenant: str
    now: float
    response: bytes

    @property
    def k(self) -> int:
        """How many matches."""
        return len(self.rows)

    @property
    def dims(self) -> int:
        """How many values each has."""
        return len(self.query32)

    @cached_property
    def query(self) -> list[float]:
        """The query as a list of floats, each exactly a float32."""
        values: list[float] = self.query32.tolist()
        return values

    @cached_property
    def matches(self) -> list[Match]:
        """The matches with values as the JSON parser makes them."""
        return parsed(self.response)

    @cached_property
    def response_without_values(self) -> bytes:
        """Body of the Vectorize result of a query that asked for no values."""
        return _body(self.bare, None)

    @cached_property
    def buffer(self) -> bytes:
        """``rows`` as little-endian float32, row after row."""
        return self.rows.astype("<f4").tobytes()

    @cached_property
    def base64(self) -> str:
        """``buffer`` as base64 text."""
        return base64.b64encode(self.buffer).decode("ascii")

    def queries(self, count: int) -> Floats:
        """The query and ``count - 1`` near it, as rephrasings are; (count, dims)."""
        if count == 1:
            return self.query32[np.newaxis]
        draw = np.random.default_rng([SEED, self.dims])
        added = draw.standard_normal((count, self.dims)) * _REPHRASED
        added[0] = 0
        length = np.linalg.norm(self.query32) / np.sqrt(self.dims)
        near: Floats = (self.query32 + added * length).astype(np.float32)
        return near

    def given(self, form: str) -> Any:
        """The values as a ranker is given them; ``form`` is one of ``INPUTS``."""
        match form:
            case "lists":
                return self.matches
            case "fresh":
                return parsed(self.response)
            case "json":
                return self.response
            case "float32":
                return self.buffer
            case "base64":
                return self.base64
        raise BenchError(f"values cannot be given as {form!r}")


def job(k: int, dims: int, file: Path | None) -> Job:
    """The job of a case. Raises BenchError for a ``file`` that is none."""
    return generate(k, dims) if file is None else from_response(file.read_bytes())


def generate(k: int, dims: int, *, seed: int = SEED, ties: bool = False) -> Job:
    """A job of ``k`` >= 1 matches of ``dims`` >= 2, best first.

    With ``ties``, about half the matches repeat another one in values and metadata.
    Raises ValueError for smaller sizes.
    """
    if k < 1 or dims < 2:
        raise ValueError(f"there is no job of {k} matches of {dims} dimensions")
    draw = np.random.default_rng([seed, k, dims])
    query = _unit(draw.standard_normal(dims))
    noise = draw.standard_normal((k, dims))
    noise = _unit(noise - np.outer(noise @ query, query))
    scores = -np.sort(-draw.uniform(*_SIMILARITY, k))
    fresh = draw.random(k) < (0.5 if ties else 1.0)
    fresh[0] = True
    origin = np.maximum.accumulate(np.where(fresh, np.arange(k), 0))
    noise, scores = noise[origin], scores[origin]
    across = np.sqrt(1 - scores**2)
    rows = np.outer(scores, query) + across[:, np.newaxis] * noise
    source = Source(seed, f"rerank {k}x{dims}")
    tenant = TENANTS[0]
    bare: list[Match] = []
    for new, score in zip(fresh, scores.tolist(), strict=True):
        metadata = passage(source, tenant) if new else bare[-1].metadata
        bare.append(Match(f"chunk-{source.hexadecimal(10)}", score, metadata, []))
    values = rows.astype(np.float32)
    body = _body(bare, values)
    return Job(query.astype(np.float32), values, bare, tenant, NOW, body)


def from_response(body: bytes) -> Job:
    """A job whose matches are those of a Vectorize result, with their values.

    The result does not tell what was asked: the query is the mean of the values, of
    length 1 unless it is zero, and the tenant is the first match's. Raises BenchError
    where there are no matches, values are missing or uneven, or the metadata cannot be
    scored.
    """
    what = "not a Vectorize result with values"
    try:
        matches = parsed(body)
        rows = np.array([match.values for match in matches], np.float64)
        for match in matches:
            rerank.score(0.0, match, "", NOW)
    except KeyError as error:
        raise BenchError(f"{what}: {error} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise BenchError(f"{what}: {error}") from error
    if rows.ndim != 2 or not rows.size:
        raise BenchError(f"{what}: there are none")
    with np.errstate(over="ignore"):
        rows32 = rows.astype(np.float32)
    if not np.isfinite(rows32).all():
        raise BenchError(f"{what}: not all of them are float32")
    query = _unit(rows.mean(axis=0)).astype(np.float32)
    bare = [Match(each.id, each.score, each.metadata, []) for each in matches]
    tenant = str(bare[0].metadata.get("tenantId", ""))
    return Job(query, rows32, bare, tenant, NOW, body)


def parsed(body: bytes) -> list[Match]:
    """The matches of a Vectorize result, parsed as the path parses them.

    The documentation prints some results inside another object ``matches``. Raises
    ValueError, TypeError, LookupError or AttributeError for anything else.
    """
    found = wire.loads(body)["matches"]
    if isinstance(found, dict):
        found = found["matches"]
    return [
        Match(each["id"], each["score"], each.get("metadata") or {}, each["values"])
        for each in found
    ]


def _body(bare: list[Match], rows: Floats | None) -> bytes:
    matches = []
    for place, match in enumerate(bare):
        fields: dict[str, Any] = {"id": match.id, "score": match.score}
        if rows is not None:
            fields["values"] = rows[place]
        matches.append(fields | {"metadata": match.metadata})
    found = {"count": len(matches), "matches": matches}
    return orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row divided by its length; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)
