"""What re-rankers in CPython share: inputs made of each other, rankings of cosines.

The custom score exists as a loop, which is the path's own, and over arrays. Both make
the same doubles bit for bit, so that they rank alike; arrays pay off where there are
many matches.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.path.bindings.vectorize import Match
from bench.path.chat.rerank import score
from bench.rerankers import Ranking
from bench.rerankers._jobs import Floats, Job, parsed

Rank = Callable[[Any], Ranking]
BatchRank = Callable[[Any], list[Ranking]]
Prepare = Callable[[Job], Rank | BatchRank]
Doubles = NDArray[np.float64]

_MONTH_S = 30 * 86400
# Matches from which arrays are faster than a loop, as measured (x86-64, numpy 2.4).
_MANY = 40


def rankers(
    *, lists: Prepare | None = None, floats: Prepare | None = None
) -> Callable[[str], Prepare | None]:
    """``ranker`` of a module that ranks matches with lists, or a buffer of float32.

    JSON is parsed into matches first, base64 decoded into a buffer.
    """
    table: dict[str, Prepare] = {}
    if lists is not None:
        table |= {"lists": lists, "fresh": lists, "json": _after(lists, parsed)}
    if floats is not None:
        table |= {"float32": floats, "base64": _after(floats, base64.b64decode)}
    return table.get


def _after(prepare: Prepare, decode: Callable[[Any], Any]) -> Prepare:
    def prepared(job: Job) -> Any:
        rank = prepare(job)
        return lambda given: rank(decode(given))

    return prepared


def version_of(package: str) -> Callable[[], str]:
    """``version`` of a module that is another package's work."""
    return lambda: metadata.version(package)


def rows_of(job: Job, buffer: bytes) -> Floats:
    """``buffer`` as an array (k, dims), not copied."""
    return np.frombuffer(buffer, "<f4").reshape(job.k, job.dims)


def ranked(job: Job, matches: Sequence[Match], cosines: Sequence[float]) -> Ranking:
    """``matches`` by the custom score, from the cosine of each; ties keep their
    place."""
    scores = [
        score(near, match, job.tenant, job.now)
        for near, match in zip(cosines, matches, strict=True)
    ]
    order = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
    return Ranking(order, [scores[place] for place in order])


def ranked_array(job: Job, matches: Sequence[Match], cosines: NDArray[Any]) -> Ranking:
    """As ``ranked``, from an array of shape (k,)."""
    if len(cosines) < _MANY:
        return ranked(job, matches, cosines.tolist())
    return best_first(scores(cosines, parts(job, matches)))


def parts(job: Job, matches: Sequence[Match]) -> Doubles:
    """What the custom score is made of beside the cosine: weight, 0.15 x recency and
    the bonus of the tenant's own, (3, k)."""
    metadata = [match.metadata for match in matches]
    created = np.array([each.get("createdAt", 0) for each in metadata], np.float64)
    weight = [each.get("weight", 1) for each in metadata]
    own = [0.05 if each.get("tenantId") == job.tenant else 0.0 for each in metadata]
    age = np.maximum(0.0, job.now - created)
    return np.array([weight, 0.15 * (1 / (1 + age / _MONTH_S)), own])


def scores(cosines: NDArray[Any], given: Doubles) -> Doubles:
    """The custom scores, (k,), from ``parts``."""
    weight, recency, own = given
    found: Doubles = weight * (cosines + recency + own)
    return found


def best_first(found: Doubles) -> Ranking:
    """The ranking by scores; ties keep their place."""
    order = np.argsort(-found, kind="stable")
    return Ranking(order.tolist(), found[order].tolist())


def cosines(query: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    """Cosine of ``query``, (dims,), with each of ``rows``, (k, dims); 0 where one is
    zero.

    Each row is summed alone and in the same way, so that equal rows have equal cosines.
    """
    length = np.sqrt(np.vecdot(rows, rows)) * np.sqrt(np.vecdot(query, query))
    zeros = np.zeros_like(length)
    found: NDArray[Any] = np.divide(
        np.vecdot(rows, query), length, out=zeros, where=length > 0
    )
    return found
