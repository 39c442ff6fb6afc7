"""numpy over values that came as lists: most of it is making the array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.path.bindings.vectorize import Match
from bench.rerankers import Ranking
from bench.rerankers._jobs import Job
from bench.rerankers._ranking import Rank, cosines, ranked_array, rankers, version_of

RUNTIME = "cpython"
NOTE = "numpy in float64, the array made of the lists each time"

version = version_of("numpy")


def _lists(job: Job) -> Rank:
    def rank(matches: Sequence[Match]) -> Ranking:
        rows = np.array([match.values for match in matches], np.float64)
        near = cosines(np.array(job.query, np.float64), rows)
        return ranked_array(job, matches, near)

    return rank


ranker = rankers(lists=_lists)
