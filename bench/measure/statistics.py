"""Intervals over processes, never over the values inside one.

Values of one process share its memory layout and its moment, so they are not
independent: pooling them calls identical code different 8-14 % of the time. Each
process (or each group of processes that took turns) gives one estimate, and the
interval is Student's t over those estimates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, median, stdev

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval; ``n`` counts independent processes."""

    value: float
    low: float
    high: float
    n: int

    @property
    def width(self) -> float:
        """Width relative to the estimate: 0.02 means 2 %."""
        return (self.high - self.low) / self.value if self.value else math.inf

    def excludes(self, value: float) -> bool:
        """Whether ``value`` lies outside."""
        return not self.low <= value <= self.high


@cache
def t_quantile(degrees: int, confidence: float = CONFIDENCE) -> float:
    """Two-sided quantile of Student's t."""
    from scipy.stats import t

    return float(t.ppf(0.5 + confidence / 2, degrees))


def mean_interval(
    estimates: Sequence[float], confidence: float = CONFIDENCE
) -> Interval:
    """t interval of the mean of independent ``estimates``.

    With fewer than two the interval is unbounded: one process says nothing about the
    next.
    """
    n = len(estimates)
    centre = fmean(estimates)
    if n < 2:
        return Interval(centre, -math.inf, math.inf, n)
    half = t_quantile(n - 1, confidence) * stdev(estimates) / math.sqrt(n)
    return Interval(centre, centre - half, centre + half, n)


def ratio_interval(
    log_ratios: Sequence[float], confidence: float = CONFIDENCE
) -> Interval:
    """Geometric mean ratio with its interval, from one log-ratio a process group."""
    logs = mean_interval(log_ratios, confidence)
    return Interval(
        math.exp(logs.value),
        math.exp(logs.low) if logs.n > 1 else 0.0,
        math.exp(logs.high) if logs.n > 1 else math.inf,
        logs.n,
    )


def log_ratio(numerator: Sequence[float], denominator: Sequence[float]) -> float:
    """Median over turns of log(numerator / denominator), turn by turn.

    The two of one turn ran within milliseconds of each other on one core, so what the
    machine did to one it did to the other.
    """
    pairs = zip(numerator, denominator, strict=True)
    return median(math.log(a / b) for a, b in pairs)


def central(totals: Sequence[float], share: float = 0.8) -> list[int]:
    """Indices of the central ``share`` of ``totals``.

    The mean over them is the cost of a typical request: robust like a median, yet
    additive, so that stages chosen by the same indices sum to their total. What is
    left out, the tail, is in the samples and in the ECDF.
    """
    order = sorted(range(len(totals)), key=totals.__getitem__)
    cut = int(len(order) * (1 - share) / 2)
    return order[cut : len(order) - cut]


def typical(costs: Sequence[float]) -> float:
    """Mean over the central ``costs``: what a typical request costs."""
    return fmean(costs[i] for i in central(costs))


def proportion_interval(successes: int, n: int) -> Interval:
    """Share of successes with the exact interval of Clopper and Pearson (1934)."""
    from scipy.stats import binomtest

    exact = binomtest(successes, n).proportion_ci(CONFIDENCE, method="exact")
    return Interval(successes / n, float(exact.low), float(exact.high), n)
