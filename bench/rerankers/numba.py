"""Numba: the loops of the path, compiled for float32."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from bench.rerankers import Ranking
from bench.rerankers._jobs import Floats, Job
from bench.rerankers._ranking import Rank, ranked_array, rankers, rows_of, version_of

RUNTIME = "cpython"
NOTE = (
    "loops over float32 compiled by Numba before the clock; its fast-math may reorder "
    "sums, without which they stay scalar and take several times as long"
)

version = version_of("numba")


def _floats(job: Job) -> Rank:
    near_all = _compiled()
    near_all(job.query32, rows_of(job, job.buffer))

    def rank(buffer: bytes) -> Ranking:
        near = near_all(job.query32, rows_of(job, buffer))
        return ranked_array(job, job.bare, near)

    return rank


@cache
def _compiled() -> Any:
    # Imported here: whoever lists the re-rankers need not load the compiler.
    import numba

    return numba.njit(fastmath={"reassoc"})(_cosines)


def _cosines(query: Floats, rows: Floats) -> Floats:
    zero = np.float32(0)
    near = np.zeros(rows.shape[0], np.float32)
    norm = zero
    for value in query:
        norm += value * value
    for place in range(rows.shape[0]):
        dot, own = zero, zero
        for column in range(query.shape[0]):
            value = rows[place, column]
            dot += value * query[column]
            own += value * value
        length = np.sqrt(norm) * np.sqrt(own)
        if length > 0:
            near[place] = dot / length
    return near


ranker = rankers(floats=_floats)
