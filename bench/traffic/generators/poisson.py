"""Poisson: each moment as likely as any other, whatever came before."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.traffic._trace import Array, Trace

NOTE = "independent requests of very many users: gaps are exponential, their CV is 1"


def fit(_: Trace) -> Mapping[str, float | list[float]]:
    """Nothing: the rate says it all."""
    return {}


def at(rate: float, duration_s: float, rng: np.random.Generator) -> Array:
    """Arrivals in s. Their number is Poisson, and given it they are uniform."""
    return np.sort(rng.uniform(0.0, duration_s, rng.poisson(rate * duration_s)))
