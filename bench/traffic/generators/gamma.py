"""Gamma gaps: as bursty as a trace in its gaps, and without memory beyond one.

A gap is gamma with shape 1/cv^2 and mean 1/rate. Over long windows, variance / mean of
the counts of such a process is near cv^2.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.traffic._shape import shape
from bench.traffic._trace import Array, Trace

NOTE = "independent gaps of any burstiness: cv is their coefficient of variation"
LEAST_CV = 0.01
"""What is more even than this is drawn with this."""
_MOST = 2**20  # gaps that are drawn at a time


def fit(trace: Trace) -> Mapping[str, float | list[float]]:
    """The coefficient of variation of the gaps."""
    return {"cv": shape(trace).cv}


def at(
    rate: float, duration_s: float, rng: np.random.Generator, *, cv: float = 1.0
) -> Array:
    """Arrivals in s of the process as it is found at a moment of no importance.

    That moment falls into a long gap rather than a short one: the first arrival is at a
    uniform part of a gap drawn by its length, which is gamma with a shape of one more.
    Only so is ``rate * duration_s`` the mean number of arrivals (Cox, Renewal Theory,
    1962).
    """
    order = max(cv, LEAST_CV) ** -2
    scale = 1 / (rate * order)
    reached = rng.random() * rng.gamma(order + 1, scale)
    parts = [np.array([reached])]
    while reached < duration_s:
        left = rate * (duration_s - reached)
        block = min(_MOST, int(left + 4 * cv * left**0.5) + 16)
        parts.append(reached + np.cumsum(rng.gamma(order, scale, block)))
        reached = parts[-1][-1]
    arrivals = np.concatenate(parts)
    return arrivals[arrivals < duration_s]
