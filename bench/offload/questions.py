"""What is asked of the index, what it answers, and which order is right for whom.

All sizes of the same dimensions are the best ``k`` of one set of matches. With values
the index scores exactly. Without, it scores vectors quantised to 8 bits, as the real
one and `bench.services.vectorize` do, so that its order may differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import sqrt
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.fixtures import vectorize_result
from bench.offload import Option, size
from bench.path.bindings.vectorize import Match
from bench.path.chat.rerank import cosine, score
from bench.rerankers import TOLERANCE
from bench.services._vector_rules import MAX_DIMENSIONS, MAX_TOP_K_WITH_DATA
from bench.world import NOW


@dataclass(frozen=True)
class Question:
    """``k`` matches of ``dims`` dimensions, best first, as the index scores them."""

    k: int
    dims: int
    query: list[float]
    tenant: str
    exact: Sequence[Match]
    approximate: Sequence[Match]

    @property
    def size(self) -> str:
        """Its name."""
        return size(self.k, self.dims)

    def matches(self, option: Option) -> Sequence[Match]:
        """In the order in which the index answers ``option``."""
        return self.exact if option.values else self.approximate

    def body(self, *, values: bool) -> bytes:
        """The answer of the index: compact JSON, numbers as shortest float32 text."""
        found = self.exact if values else self.approximate
        matches = [_written(match, values=values) for match in found]
        value = {"count": self.k, "matches": matches}
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)

    def check(self, option: Option, ids: Sequence[str]) -> None:
        """Hold an order to the option's own reference. Raises BenchError.

        Matches may have changed places where their reference scores are within
        ``TOLERANCE``, but not where they are equal.
        """
        matches = self.matches(option)
        places = {match.id: place for place, match in enumerate(matches)}
        if sorted(ids) != sorted(places):
            raise BenchError(f"{len(ids)} ids that are not those of {self.k} matches")
        order = [places[id_] for id_ in ids]
        scores = self._scores(option)
        worst_after = [*accumulate(reversed([scores[p] for p in order]), max)][::-1]
        for rank, place in enumerate(order):
            if scores[place] < worst_after[rank] - TOLERANCE:
                raise BenchError(f"match {place} is too high, on rank {rank}")
        last: dict[float, int] = {}
        for place in order:
            before = last.setdefault(scores[place], place)
            if before > place:
                raise BenchError(f"matches {place} and {before} are equal and swapped")
            last[scores[place]] = place

    def _scores(self, option: Option) -> list[float]:
        matches = self.matches(option)
        if not option.near:
            # The index's order, whatever its scores are.
            return [-float(place) for place in range(self.k)]
        norm = sqrt(sum(x * x for x in self.query))
        near = [
            match.score
            if option.near == "score"
            else cosine(self.query, norm, match.values)
            for match in matches
        ]
        return [
            score(one, match, self.tenant, NOW)
            for one, match in zip(near, matches, strict=True)
        ]


def ask(grid: Sequence[tuple[int, int]], seed: int) -> list[Question]:
    """A question for each (k, dims) of ``grid``, the same for the same ``seed``."""
    most: dict[int, int] = {}
    for k, dims in grid:
        most[dims] = max(k, most.get(dims, 0))
    known = {dims: _largest(k, dims, seed) for dims, k in most.items()}
    return [_first(known[dims], k) for k, dims in grid]


def vectors(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """Every vector once, as a re-ranking service holds it."""
    held = {
        (question.dims, match.id): {
            "id": match.id,
            "values": match.values,
            "metadata": match.metadata,
        }
        for question in questions
        for match in (*question.exact, *question.approximate)
    }
    return list(held.values())


def beyond(k: int, dims: int) -> str | None:
    """Which limit of Vectorize a size exceeds (``bench.services._vector_rules``)."""
    if dims > MAX_DIMENSIONS:
        return f"Vectorize has at most {MAX_DIMENSIONS} dimensions"
    if k > MAX_TOP_K_WITH_DATA:
        return f"Vectorize returns values or metadata of {MAX_TOP_K_WITH_DATA} matches"
    return None


def _largest(k: int, dims: int, seed: int) -> Question:
    body = orjson.loads(vectorize_result.generate(seed, k=k, dims=dims))
    exact = [
        Match(match["id"], match["score"], match["metadata"], match["values"])
        for match in body["matches"]
    ]
    query = np.array(vectorize_result.query_vector(seed, dims), dtype=np.float32)
    near = _approximate(query, np.array([match.values for match in exact]))
    approximate = [
        replace(match, score=float(str(np.float32(one))))
        for match, one in zip(exact, near, strict=True)
    ]
    approximate.sort(key=lambda match: -match.score)
    tenant = exact[0].metadata["tenantId"] if exact else ""
    return Question(k, dims, query.tolist(), tenant, exact, approximate)


def _first(largest: Question, k: int) -> Question:
    return replace(
        largest, k=k, exact=largest.exact[:k], approximate=largest.approximate[:k]
    )


def _approximate(
    query: NDArray[np.float32], rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Cosines of rows whose coordinates are rounded to 256 steps of their range."""
    low, high = rows.min(axis=0), rows.max(axis=0)
    step = np.where(high > low, (high - low) / 255, 1.0)
    coarse = low + np.rint((rows - low) / step) * step
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
    near: NDArray[np.float64] = coarse @ query.astype(np.float64) / lengths
    return near


def _written(match: Match, *, values: bool) -> dict[str, Any]:
    written: dict[str, Any] = {"id": match.id, "score": np.float32(match.score)}
    if values:
        written["values"] = np.array(match.values, dtype=np.float32)
    return written | {"metadata": match.metadata}
