"""One matrix product for a batch of queries against the same candidates.

A batch is a question and its rephrasings, as multi-query retrieval makes them: they
share candidates, and so the rows' lengths and what the metadata adds to a score.
Queries with candidates of their own would share nothing.

A product of BLAS sums a row in an order that depends on its place in the matrix, so
equal rows may come out unequal in the last bits. Where scores lie so near to each other
that this could decide, the rows are summed again, one by one.
"""

from __future__ import annotations

import numpy as np

from bench.rerankers import TOLERANCE, Ranking
from bench.rerankers._jobs import Floats, Job
from bench.rerankers._ranking import (
    BatchRank,
    Doubles,
    best_first,
    cosines,
    parts,
    rankers,
    rows_of,
    scores,
    version_of,
)

RUNTIME = "cpython"
BATCH = 8
NOTE = (
    f"one float32 matrix product of BLAS for {BATCH} queries against the same matches; "
    "the cost is one query's share; scores within 1e-5 of each other are made again, "
    "row by row"
)

version = version_of("numpy")


def _floats(job: Job) -> BatchRank:
    queries = job.queries(BATCH)

    def rank(buffer: bytes) -> list[Ranking]:
        rows = rows_of(job, buffer)
        lengths = np.sqrt(np.vecdot(queries, queries))
        length = np.outer(lengths, np.sqrt(np.vecdot(rows, rows)))
        zeros = np.zeros_like(length)
        near = np.divide(queries @ rows.T, length, out=zeros, where=length > 0)
        given = parts(job, job.bare)
        return [
            best_first(settled(scores(each, given), query, rows, given))
            for each, query in zip(near, queries, strict=True)
        ]

    return rank


def settled(found: Doubles, query: Floats, rows: Floats, given: Doubles) -> Doubles:
    """``found``, but the scores within ``TOLERANCE`` of another one made again from
    ``rows`` taken one by one; ``given`` is what ``parts`` makes."""
    order = np.argsort(found)
    close = np.flatnonzero(np.diff(found[order]) <= TOLERANCE)
    if not close.size:
        return found
    again = np.union1d(order[close], order[close + 1])
    found[again] = scores(cosines(query, rows[again]), given[:, again])
    return found


ranker = rankers(floats=_floats)
