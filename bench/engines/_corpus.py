"""Vectors and payloads of any number, and what a query must find in them.

Text embeddings fill far fewer dimensions than they have: independent coordinates would
make every vector equally far from every other, and any index over them look bad. Here
48 hidden coordinates are spread over all dimensions, with noise; 48 is an assumption.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.engines import Filter
from bench.fixtures._passages import passage
from bench.fixtures._random import Source

Floats = NDArray[np.float32]
DIMS = 1536
KINDS = ("policy", "regulation", "contract", "memo")
TENANTS = 4
WANTED = Filter("tenant-00", ("policy", "regulation"), "2025-01-01")
"""The article's filter; one vector in sixteen passes it."""

_HIDDEN = 48
_NOISE = 0.3
_FIRST = date(2024, 1, 1)
_DAYS = 732  # as many days before WANTED.after as from then on
_PASSAGES = 256
_BLOCK = 4096  # rows that are turned into float64 at once


@dataclass(frozen=True)
class Corpus:
    """``vectors`` n x dims, float32, of length 1; ``payloads`` as many."""

    vectors: Floats
    payloads: Sequence[dict[str, Any]]

    def exact(self, asked: Floats, wanted: Filter | None, k: int) -> list[list[int]]:
        """Places of the ``k`` nearest vectors that pass, best first, for each of
        ``asked`` (m x dims)."""
        columns = asked.T.astype(np.float64)
        count = len(self.vectors)
        blocks = [
            self.vectors[first : first + _BLOCK].astype(np.float64) @ columns
            for first in range(0, count, _BLOCK)
        ]
        scores = np.concatenate(blocks)
        passing = np.ones(count, dtype=bool) if wanted is None else self.passing(wanted)
        places = np.flatnonzero(passing)
        order = np.argsort(-scores[places], axis=0, kind="stable")[:k]
        return [[int(places[i]) for i in column] for column in order.T]

    def passing(self, wanted: Filter) -> NDArray[np.bool_]:
        """Which vectors pass ``wanted``."""
        tenants, kinds, dates = self._columns
        passing: NDArray[np.bool_] = (
            (tenants == wanted.tenant)
            & np.isin(kinds, wanted.kinds)
            & (dates > wanted.after)
        )
        return passing

    def part(self, first: int, last: int) -> Corpus:
        """The vectors from ``first`` to before ``last``."""
        return Corpus(self.vectors[first:last], self.payloads[first:last])

    @cached_property
    def _columns(self) -> tuple[NDArray[np.str_], ...]:
        names = ("tenantId", "documentType", "effectiveDate")
        return tuple(np.array([p[name] for p in self.payloads]) for name in names)


def corpus(n: int, seed: int, dims: int = DIMS) -> Corpus:
    """``n`` vectors with payloads, the same for the same ``seed``."""
    draw = np.random.default_rng([seed, 1])
    source = Source(seed, "engines")
    texts = [passage(source, "")["content"] for _ in range(min(n, _PASSAGES))]
    tenants = draw.integers(0, TENANTS, n)
    kinds = draw.integers(0, len(KINDS), n)
    days = draw.integers(0, _DAYS, n)
    payloads = [
        {
            "tenantId": f"tenant-{tenants[i]:02d}",
            "documentType": KINDS[kinds[i]],
            "effectiveDate": str(_FIRST + timedelta(int(days[i]))),
            "content": texts[i % _PASSAGES],
        }
        for i in range(n)
    ]
    return Corpus(_vectors(draw, n, seed, dims), payloads)


def queries(n: int, seed: int, dims: int = DIMS) -> Floats:
    """``n`` vectors to ask for, of the same kind as those of ``corpus(_, seed)``."""
    return _vectors(np.random.default_rng([seed, 2]), n, seed, dims)


def recall(found: Sequence[int], exact: Sequence[int]) -> float:
    """Share of ``exact`` that was found; 1 where there is nothing to find."""
    return len(set(found) & set(exact)) / len(exact) if exact else 1.0


def _vectors(draw: np.random.Generator, n: int, seed: int, dims: int) -> Floats:
    spread = np.random.default_rng([seed, 0]).standard_normal((_HIDDEN, dims))
    hidden = draw.standard_normal((n, _HIDDEN), dtype=np.float32)
    rows = hidden @ spread.astype(np.float32) / np.float32(np.sqrt(_HIDDEN))
    rows += np.float32(_NOISE) * draw.standard_normal((n, dims), dtype=np.float32)
    lengths: Floats = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / lengths
