"""How a cost grows with size: a power law, fitted where measured, carried beyond.

cost = a * size ** b is a line in logarithms, fitted by least squares over one point a
size. What it says of a size that was not measured has the interval of a prediction,
which widens with the distance: it knows the scatter about the line, not whether the
engine goes on in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.measure.statistics import Interval, t_quantile

MIN_SIZES = 3


@dataclass(frozen=True, slots=True)
class Law:
    """``exponent`` b with its 95 % interval, and what is needed to predict."""

    exponent: Interval
    smallest: int
    largest: int
    _factor: float  # log of a
    _centre: float  # mean of the logs of the sizes
    _spread: float  # sum of their squared distances from it
    _scatter: float  # standard deviation about the line

    def at(self, size: float) -> Interval:
        """The cost of one measurement at ``size``, with its 95 % interval."""
        n = self.exponent.n
        far = (math.log(size) - self._centre) ** 2 / self._spread
        half = t_quantile(n - 2) * self._scatter * math.sqrt(1 + 1 / n + far)
        value = self._factor + self.exponent.value * math.log(size)
        low, high = value - half, value + half
        # Beyond what a float holds the interval says nothing, and may say so.
        return Interval(math.exp(value), _exp(low), _exp(high), n)

    def measured(self, size: float) -> bool:
        """Whether ``size`` lies among those measured; else it is an extrapolation."""
        return self.smallest <= size <= self.largest


def fit(costs: Mapping[int, float]) -> Law | None:
    """The law of ``costs`` by size, all above zero; None below ``MIN_SIZES`` sizes,
    where a line has nothing to err about."""
    n = len(costs)
    if n < MIN_SIZES:
        return None
    sizes = np.log(np.array([*costs], dtype=np.float64))
    logs = np.log(np.array([*costs.values()], dtype=np.float64))
    centre = float(sizes.mean())
    spread = float(((sizes - centre) ** 2).sum())
    slope = float(((sizes - centre) * logs).sum()) / spread
    factor = float(logs.mean()) - slope * centre
    residuals = logs - factor - slope * sizes
    scatter = math.sqrt(float((residuals**2).sum()) / (n - 2))
    half = t_quantile(n - 2) * scatter / math.sqrt(spread)
    return Law(
        Interval(slope, slope - half, slope + half, n),
        min(costs),
        max(costs),
        factor,
        centre,
        spread,
        scatter,
    )


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf
