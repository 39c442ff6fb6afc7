"""Whether a ranking is right, and in words what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from bench.path import wire
from bench.rerankers import TOLERANCE, Case, Ranking, pure_python
from bench.rerankers._jobs import Job, job


@dataclass(frozen=True, slots=True)
class Right:
    """What is right for one query, by place in the index's order: the score of each
    match, and the first match with the same values and metadata."""

    scores: list[float]
    same_as: list[int]


def judged(case: Case, found: Sequence[Ranking], count: int = 1) -> str:
    """'' or what is wrong with the rankings of ``case``, one for each of ``count``
    queries."""
    if len(found) != count:
        return f"makes {len(found)} rankings of {count} queries"
    if case.file is not None:
        expected = rights(job(case.k, case.dims, case.file), count)
    else:
        expected = _known(case.k, case.dims, count)
    said = (why_wrong(*pair) for pair in zip(found, expected, strict=True))
    return next(filter(None, said), "")


def rights(given: Job, count: int) -> list[Right]:
    """What the reference makes of a job, for each of ``given.queries(count)``."""
    prepare = pure_python.ranker("lists")
    assert prepare is not None  # noqa: S101 - the reference takes every input
    same_as = _repeated(given)
    expected = []
    for query in given.queries(count):
        ranking = prepare(replace(given, query32=query))(given.matches)
        assert isinstance(ranking, Ranking)  # noqa: S101 - it has no BATCH
        by_place = dict(zip(*ranking, strict=True))
        expected.append(Right([by_place[n] for n in range(given.k)], same_as))
    return expected


def why_wrong(found: Ranking, right: Right) -> str:
    """'' or how ``found`` differs by more than ``TOLERANCE`` allows."""
    expected = right.scores
    order, scores = found
    if len(scores) != len(expected) or sorted(order) != list(range(len(expected))):
        return f"ranks {len(order)} matches, not each of {len(expected)} once"
    for place, score in zip(order, scores, strict=True):
        if not abs(score - expected[place]) <= TOLERANCE:  # NaN is not
            return f"scores match {place} {score:.7g}, not {expected[place]:.7g}"
    return _misplaced(order, expected) or _exchanged(order, right.same_as)


def _misplaced(order: Sequence[int], expected: Sequence[float]) -> str:
    best = order[-1]
    for place in reversed(order):
        if expected[best] - expected[place] > TOLERANCE:
            return f"puts match {place} before match {best}, which scores higher"
        if expected[place] > expected[best]:
            best = place
    return ""


def _exchanged(order: Sequence[int], same_as: Sequence[int]) -> str:
    last: dict[int, int] = {}
    for place in order:
        before = last.setdefault(same_as[place], place)
        if before > place:
            return f"puts match {before} before match {place}, its equal"
        last[same_as[place]] = place
    return ""


def _repeated(given: Job) -> list[int]:
    first: dict[tuple[bytes, bytes], int] = {}
    return [
        first.setdefault((row.tobytes(), wire.dumps(match.metadata)), place)
        for place, (row, match) in enumerate(zip(given.rows, given.bare, strict=True))
    ]


@lru_cache(maxsize=256)
def _known(k: int, dims: int, count: int) -> list[Right]:
    # Scores only: the jobs of a whole grid would fill the memory.
    return rights(job(k, dims, None), count)
