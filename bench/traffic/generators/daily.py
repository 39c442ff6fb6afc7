"""A day's course: Poisson with a rate that changes by the hour."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from bench.errors import UserError
from bench.traffic._shape import shape
from bench.traffic._trace import Array, Trace

NOTE = "Poisson whose rate follows 24 hours (UTC), again each day"
_HOUR_S = 3600.0


def fit(trace: Trace) -> Mapping[str, float | list[float]]:
    """The relative rates of the 24 hours. Raises UserError below 23 h of trace."""
    hourly = shape(trace).hourly
    if hourly is None:
        raise UserError(
            "is shorter than 23 hours, so it says nothing of a day",
            file=trace.name,
            remedy="name a recording of a day, or draw poisson or gamma arrivals",
        )
    return {"hourly": hourly.tolist()}


def at(
    rate: float,
    duration_s: float,
    rng: np.random.Generator,
    *,
    hourly: Sequence[float],
) -> Array:
    """Arrivals in s from midnight UTC on; ``rate`` is the mean of a whole day.

    ``hourly`` are 24 relative rates with a mean of 1. A Poisson process of rate 1 is
    drawn in the integral of the rate, and put back into time.
    """
    hours = math.ceil(duration_s / _HOUR_S)
    edges = np.minimum(np.arange(hours + 1) * _HOUR_S, duration_s)
    per_hour = rate * np.resize(np.asarray(hourly, dtype=np.float64), hours)
    expected = np.concatenate([[0.0], np.cumsum(per_hour * np.diff(edges))])
    drawn = np.sort(rng.uniform(0.0, expected[-1], rng.poisson(expected[-1])))
    arrivals: Array = np.interp(drawn, expected, edges)
    return arrivals
