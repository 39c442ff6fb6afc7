"""NumKong: SIMD kernels that take the cosine of one vector with many."""

from __future__ import annotations

import numpy as np

from bench.rerankers import Ranking
from bench.rerankers._jobs import Job
from bench.rerankers._ranking import Rank, ranked_array, rankers, rows_of, version_of

RUNTIME = "cpython"
NOTE = (
    "NumKong's angular distance of one float32 vector to many, summed in float64; "
    "each pair takes both lengths; NaN, which it gives for a zero vector, is read as 0"
)

version = version_of("numkong")


def _floats(job: Job) -> Rank:
    # Imported here: whoever lists the re-rankers need not load its kernels.
    import numkong

    query = job.query32[np.newaxis]

    def rank(buffer: bytes) -> Ranking:
        distance = numkong.cdist(query, rows_of(job, buffer), "angular")
        near = 1 - np.asarray(distance)[0]
        near[np.isnan(near)] = 0
        return ranked_array(job, job.bare, near)

    return rank


ranker = rankers(floats=_floats)
