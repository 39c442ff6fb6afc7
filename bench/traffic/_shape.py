"""What a trace is like: its rate, how bursty it is, and its hours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.measure.statistics import CONFIDENCE, mean_interval
from bench.traffic._trace import Array, Trace

WINDOWS_S = (1.0, 10.0, 60.0, 600.0)
"""Windows in which arrivals are counted."""
LEVEL = 0.01
"""Chance of calling a Poisson process bursty."""
POISSON, BURSTY = "poisson", "bursty"
_FEWEST = 20  # windows, and batches
_HOUR_S, _DAY_S, _DAY_H = 3600.0, 86_400.0, 24
_NEARLY_A_DAY_S = 23 * _HOUR_S


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What a trace is like; rates are arrivals a second.

    ``rate`` is the mean, ``rate_low`` to ``rate_high`` its 95 % interval: the wider of
    that of a Poisson process and that over 20 batches of equal time (batch means),
    which respects bursts up to the length of a batch. ``cv`` is the coefficient of
    variation of the gaps, 1 for Poisson. ``dispersion`` is variance / mean of the
    counts in windows of so many s, 1 for Poisson, of those windows of which there are
    at least 20. ``peak`` is the largest rate over a minute, wherever it begins, or over
    a second where the trace is shorter than 20 minutes, and never below the mean.
    ``hourly`` are relative rates of the 24 hours of a UTC day, with a mean of 1; where
    the trace does not tell its start, it counts as midnight; None below 23 h.

    ``kind`` is "bursty" where a test refutes that counts are Poisson, else "poisson".
    An even flow, such as a timer's, counts as Poisson, which waits longer. A rate that
    changes by the hour is bursty in this sense.
    """

    rate: float
    rate_low: float
    rate_high: float
    cv: float
    dispersion: Mapping[float, float]
    peak: float
    hourly: Array | None
    kind: str
    n: int


def shape(trace: Trace) -> Shape:
    """What ``trace`` is like."""
    at_s, duration_s = trace.at_s, trace.duration_s
    low, high = _rates(at_s, duration_s)
    gaps = np.diff(at_s)
    dispersion = {
        window: _dispersion(at_s, window, int(duration_s // window))
        for window in WINDOWS_S
        if duration_s // window >= _FEWEST
    }
    return Shape(
        rate=at_s.size / duration_s,
        rate_low=low,
        rate_high=high,
        cv=float(gaps.std() / gaps.mean()),
        dispersion=dispersion,
        peak=max(at_s.size / duration_s, _peak(at_s, duration_s)),
        hourly=_hourly(trace) if duration_s >= _NEARLY_A_DAY_S else None,
        kind=BURSTY if _is_refuted(at_s, duration_s, dispersion) else POISSON,
        n=at_s.size,
    )


def _rates(at_s: Array, duration_s: float) -> tuple[float, float]:
    """95 % interval of the rate. Exact Poisson limits: Garwood (1936)."""
    from scipy.stats import chi2

    n, tail = at_s.size, (1 - CONFIDENCE) / 2
    low = float(chi2.ppf(tail, 2 * n)) / 2 / duration_s
    high = float(chi2.ppf(1 - tail, 2 * n + 2)) / 2 / duration_s
    batches = min(_FEWEST, n // 2)
    if batches < 2:
        return low, high
    width = duration_s / batches
    counts = np.bincount(_windows(at_s, width, batches), minlength=batches)
    over = mean_interval((counts / width).tolist())
    return max(0.0, min(low, over.low)), max(high, over.high)


def _windows(at_s: Array, width: float, count: int) -> NDArray[np.int64]:
    """Number of the window of each arrival in the first ``count`` of ``width`` s."""
    inside = at_s[: np.searchsorted(at_s, width * count)]
    # An arrival just before the end can be rounded beyond it.
    return np.minimum((inside / width).astype(np.int64), count - 1)


def _dispersion(at_s: Array, width: float, count: int) -> float:
    """Variance / mean of the counts in ``count`` windows, empty ones among them."""
    _, counts = np.unique(_windows(at_s, width, count), return_counts=True)
    total, squares = int(counts.sum()), int((counts.astype(np.int64) ** 2).sum())
    return (count * squares - total**2) / ((count - 1) * total)


def _is_refuted(
    at_s: Array, duration_s: float, dispersion: Mapping[float, float]
) -> bool:
    """Fisher's dispersion test, one-sided, in every window that holds an arrival or
    more on average, with Bonferroni's correction; else in 20 windows, if there is one
    arrival for each."""
    from scipy.stats import chi2

    tests = [
        (index, int(duration_s // width))
        for width, index in dispersion.items()
        if at_s.size * width >= duration_s
    ]
    if not tests and at_s.size >= _FEWEST:
        index = _dispersion(at_s, duration_s / _FEWEST, _FEWEST)
        tests = [(index, _FEWEST)]
    return any(
        float(chi2.sf(index * (count - 1), count - 1)) < LEVEL / len(tests)
        for index, count in tests
    )


def _peak(at_s: Array, duration_s: float) -> float:
    width = 60.0 if duration_s >= 20 * 60 else min(1.0, duration_s)
    ends = np.searchsorted(at_s, at_s + width, side="left")
    return float((ends - np.arange(at_s.size)).max()) / width


def _hourly(trace: Trace) -> Array:
    """Relative rate of each hour of a day, by the time that the trace spends in it.

    The one hour that a trace of hardly a day may miss for the most part gets the mean
    of its neighbours.
    """
    begin = trace.start.timestamp() % _DAY_S if trace.start else 0.0
    end = begin + trace.duration_s
    hours = np.arange(math.floor(begin / _HOUR_S), math.ceil(end / _HOUR_S))
    edges = np.append(hours, hours[-1] + 1) * _HOUR_S
    spent = np.diff(np.clip(edges, begin, end))
    counts = np.diff(np.searchsorted(trace.at_s + begin, edges))
    of_day = hours % _DAY_H
    seconds = np.bincount(of_day, spent, minlength=_DAY_H)
    arrivals = np.bincount(of_day, counts, minlength=_DAY_H)
    seen = seconds >= _HOUR_S / 2
    rates = np.divide(arrivals, seconds, out=np.zeros(_DAY_H), where=seen)
    between = (np.roll(rates, 1) + np.roll(rates, -1)) / 2
    rates = np.where(seen, rates, between)
    relative: Array = rates / rates.mean()
    return relative
