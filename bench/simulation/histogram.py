"""Counts in logarithmic bins: 10^9 values in 40 KB, any quantile within 1 %.

Each power of two has 128 bins, so that a value is at most 1/128 = 0.8 % above the lower
edge of its bin, which stands for it; whole numbers up to 256 have bins of their own.
Where the bin of a value lies is read from the bits of the number, as HdrHistogram does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.measure.statistics import CONFIDENCE

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

# A double has 52 bits behind its exponent, which is biased by 1023.
SHIFT = 52 - 7
_LOWEST, _HIGHEST = -10, 30  # powers of two: in ms from 1 us to 12 days
FIRST = ((1023 + _LOWEST) << 7) - 1
BINS = ((_HIGHEST - _LOWEST) << 7) + 1
"""Bin 0 is all below the lowest power; the last one also holds all that is above."""
BEYOND = 10
"""Values that must lie beyond a quantile before it is given."""


class Quantile(NamedTuple):
    """A quantile with its 95 % interval."""

    value: float
    low: float
    high: float


def edges() -> Array:
    """Lower edge of each bin, (BINS,)."""
    found = ((np.arange(BINS, dtype=np.int64) + FIRST) << SHIFT).view(np.float64)
    found[0] = 0.0
    return found


def needed(q: float) -> int:
    """How many values the quantile ``q`` needs: 10,000 for 0.999."""
    return math.ceil(BEYOND / min(q, 1.0 - q) - 1e-6)


@dataclass(frozen=True, slots=True)
class Histogram:
    """``counts`` of bins, (BINS,), and the exact sum of all values."""

    counts: Counts
    total: float

    @property
    def count(self) -> int:
        """How many values."""
        return int(self.counts.sum())

    @property
    def mean(self) -> float:
        """Exact mean; no number without a value."""
        return self.total / self.count if self.count else math.nan

    def quantile(self, q: float) -> Quantile | None:
        """Quantile ``q`` in (0, 1) with the 95 % interval of order statistics.

        None where fewer than ten values are expected beyond it. The interval is that of
        independent values (binomial ranks; Conover, Practical Nonparametric Statistics,
        1999, 3.2), so it is too narrow where many of them come from one busy spell.
        Raises ValueError for a ``q`` outside.
        """
        from scipy.stats import binom

        if not 0.0 < q < 1.0:
            raise ValueError(f"{q} is no quantile: it must lie between 0 and 1")
        count = self.count
        if count < needed(q):
            return None
        outside = (1.0 - CONFIDENCE) / 2
        ranks = (
            math.ceil(q * count),
            max(int(binom.ppf(outside, count, q)), 1),
            min(int(binom.ppf(1.0 - outside, count, q)) + 1, count),
        )
        bins = np.searchsorted(np.cumsum(self.counts), ranks)
        return Quantile(*edges()[bins].tolist())
