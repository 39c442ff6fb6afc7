"""numpy over a buffer of float32, which it reads where it lies."""

from __future__ import annotations

from bench.rerankers import Ranking
from bench.rerankers._jobs import Job
from bench.rerankers._ranking import (
    Rank,
    cosines,
    ranked_array,
    rankers,
    rows_of,
    version_of,
)

RUNTIME = "cpython"
NOTE = (
    "numpy in float32, row by row: a matrix-vector product of BLAS may give equal rows "
    "unequal cosines"
)

version = version_of("numpy")


def _floats(job: Job) -> Rank:
    def rank(buffer: bytes) -> Ranking:
        near = cosines(job.query32, rows_of(job, buffer))
        return ranked_array(job, job.bare, near)

    return rank


ranker = rankers(floats=_floats)
