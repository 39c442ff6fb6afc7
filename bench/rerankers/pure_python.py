"""The path's own re-ranking in plain Python: the reference of the comparison."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from math import sqrt
from operator import mul

from bench.path.bindings.vectorize import Match
from bench.path.chat.rerank import cosine
from bench.rerankers import Ranking
from bench.rerankers._jobs import Job
from bench.rerankers._ranking import Rank, ranked, rankers

RUNTIME = "cpython"
NOTE = "plain Python as the path has it: sums of products in float64, in C iterators"


def version() -> str:
    """The version of this Python."""
    return platform.python_version()


def _lists(job: Job) -> Rank:
    query = job.query

    def rank(matches: Sequence[Match]) -> Ranking:
        norm = sqrt(sum(map(mul, query, query)))
        near = [cosine(query, norm, match.values) for match in matches]
        return ranked(job, matches, near)

    return rank


def _floats(job: Job) -> Rank:
    query, dims = job.query, job.dims

    def rank(buffer: bytes) -> Ranking:
        norm = sqrt(sum(map(mul, query, query)))
        values = memoryview(buffer).cast("f")
        starts = range(0, len(values), dims)
        near = [
            cosine(query, norm, values[start : start + dims].tolist())
            for start in starts
        ]
        return ranked(job, job.bare, near)

    return rank


ranker = rankers(lists=_lists, floats=_floats)
