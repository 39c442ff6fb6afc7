"""Where a series of runs changed its level: E-Divisive with a t-test.

The split of a series is where the energy distance between its two parts is largest
(Matteson and James, "A nonparametric approach for multiple change point analysis of
multivariate data", 2014, arXiv 1306.4933), and each part is looked at again. As in
Hunter (Fleming and others, 2023, arXiv 2301.03034) a t-test takes the place of the
permutations, so that equal series give equal answers; the search runs in windows, so
that an old change does not hide a new one; and it first accepts weak splits, of which
the weakest are taken back one by one until all that are left are strong.

A change needs `LEAST` runs on either side: the last two runs are never told.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

# p of a change that is reported. A split is chosen where it looks best, so the level
# is far below the usual one; Hunter uses the same.
LEVEL = 0.001
# p of a split that is looked at further.
WEAK = 0.05
LEAST = 3
WINDOW = 64
# Below this, values differ by rounding alone.
_EXACT = 1e-12


@dataclass(frozen=True, slots=True)
class Change:
    """A new level begins at ``index``; ``p`` is that of equal means before and after,
    up to the changes on either side."""

    index: int
    p: float


def changes(values: Sequence[float], level: float = LEVEL) -> list[Change]:
    """The changes of a series, in order. ``values`` are best on the scale of
    logarithms, where a change is a ratio.

    ``level`` is that of a window: of a longer series it is divided among them, so that
    a still one has a change rarely, however long it is: of 60 runs in 3 %.
    """
    level *= min(1.0, WINDOW / max(len(values), 1))
    found = sorted(
        {
            start + split
            for start, part in _windows(values)
            for split in _divide(part, 0, len(part))
        }
    )
    kept = dict.fromkeys(found, 1.0)
    _tell(values, kept, found)
    while kept:
        weakest = max(kept, key=lambda split: (kept[split], split))
        if kept[weakest] <= level:
            break
        order = list(kept)
        place = order.index(weakest)
        del kept[weakest]
        _tell(
            values, kept, [*order[max(place - 1, 0) : place], *order[place + 1 :][:1]]
        )
    return [Change(split, p) for split, p in kept.items()]


def segments(length: int, found: Sequence[Change]) -> list[tuple[int, int]]:
    """First index and end of each level of a series of that length."""
    ends = [0, *(change.index for change in found), length]
    return list(pairwise(ends))


def _windows(values: Sequence[float]) -> Iterator[tuple[int, Sequence[float]]]:
    """Overlapping parts of a series, each with its first index."""
    for start in range(0, max(len(values) - WINDOW // 2, 1), WINDOW // 2):
        yield start, values[start : start + WINDOW]


def _divide(values: Sequence[float], start: int, end: int) -> Iterator[int]:
    """Splits of ``values[start:end]`` that are weak at least."""
    if end - start < 2 * LEAST:
        return
    split = start + _farthest(values[start:end])
    if _p(values[start:split], values[split:end]) > WEAK:
        return
    yield from _divide(values, start, split)
    yield split
    yield from _divide(values, split, end)


def _farthest(values: Sequence[float]) -> int:
    """Where the energy distance of the parts, scaled by their sizes, is largest."""
    import numpy as np

    found = np.asarray(values, dtype=float)
    n = len(found)
    # sums[i, j]: distances between any of the first i and any of the first j values.
    sums = np.zeros((n + 1, n + 1))
    distances = np.abs(found[:, None] - found[None, :])
    sums[1:, 1:] = distances.cumsum(axis=0).cumsum(axis=1)
    split = np.arange(LEAST, n - LEAST + 1)
    return int(split[np.argmax(_energy(sums, split, n))])


def _energy(sums: np.ndarray[Any, Any], m: np.ndarray[Any, Any], n: int) -> Any:
    """The statistic Q of Matteson and James, with alpha 1, of each split ``m``."""
    k = n - m
    left = sums[m, m]
    between = sums[m, n] - left
    right = sums[n, n] - left - 2 * between
    # A sum over ordered pairs holds each distance twice, as do m (m - 1) pairs.
    energy = 2 * between / (m * k) - left / (m * (m - 1)) - right / (k * (k - 1))
    return m * k / n * energy


def _tell(
    values: Sequence[float], kept: dict[int, float], splits: Sequence[int]
) -> None:
    """Put the p of ``splits`` into ``kept``, between their present neighbours."""
    order = [0, *kept, len(values)]
    places = {split: place for place, split in enumerate(order)}
    for split in splits:
        place = places[split]
        before, after = order[place - 1], order[place + 1]
        kept[split] = _p(values[before:split], values[split:after])


def _p(before: Sequence[float], after: Sequence[float]) -> float:
    """Two-sided p of equal means, by Student's test: a level of three runs has no
    variance of its own that could be trusted, so both share one. 1 without two each."""
    from scipy.stats import t

    if min(len(before), len(after)) < 2:
        return 1.0
    parts = (before, after)
    degrees = len(before) + len(after) - 2
    means = [fmean(part) for part in parts]
    squares = sum(
        (value - mean) ** 2
        for part, mean in zip(parts, means, strict=True)
        for value in part
    )
    error = math.sqrt(squares / degrees * sum(1 / len(part) for part in parts))
    gap = abs(means[1] - means[0])
    if error < _EXACT:
        return 1.0 if gap < _EXACT else 0.0
    return float(2 * t.sf(gap / error, degrees))
