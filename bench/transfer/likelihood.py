"""How likely a log of production is, given the factor.

A production request costs ``factor * local * exp(spread * Z)``: ``local`` is a cold
request of this machine with probability ``share``, else a warm one, each process with
the same weight; ``Z`` is standard normal and stands for inputs other than ours, other
machines, and noise. A row of a log says in which span its cost lies, so its likelihood
is a difference of the distribution function, rounding and censoring included.

All is computed on a grid of logarithms, where a factor is a shift.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

from bench.verdict.bank import Array

MOST_COLD = 0.75
"""Largest share of cold requests that is believed. Without a bound, a log of warm
requests reads as well as one of cold ones with a smaller factor."""
NARROWEST, WIDEST = 0.005, 1.2
"""Spreads that are tried; a smaller one cannot be told from rounding."""

_STEP = 0.005
_REACH = 5  # spreads
_LEAST_MS, _MOST_MS = 1e-6, 1e12
_NEVER = 1e-9  # likelihood of what cannot be, so that one row does not rule all out
_HALVINGS = 10


class Curves(NamedTuple):
    """Distribution functions of local logarithms: (spreads, places) for warm and cold
    requests, from ``start`` in steps of ``_STEP``."""

    start: float
    warm: Array
    cold: Array


class Masses(NamedTuple):
    """Weights of groups of processes on the grid, (groups, places).

    ``widths`` are what warm and cold ones are smoothed by at least, in logarithms.
    """

    start: float
    warm: Array
    cold: Array
    widths: tuple[float, float]


class Spans(NamedTuple):
    """Spans of a log: indices of their ends in ``logs``, and how many rows each has."""

    logs: Array
    low: NDArray[np.intp]
    high: NDArray[np.intp]
    many: Array


def spans(table: Array) -> Spans:
    """``table`` is (m, 3): from, to in ms, how many."""
    kept = table[table[:, 2] > 0]
    ends, places = np.unique(kept[:, :2], return_inverse=True)
    places = places.reshape(-1, 2)
    logs = np.log(np.clip(ends, _LEAST_MS, _MOST_MS))
    return Spans(logs, places[:, 0], places[:, 1], kept[:, 2])


def masses(warm: Mapping[int, Array], cold: Mapping[int, Array]) -> Masses:
    """Local requests on the grid; where there are no cold ones, warm stand for them."""
    groups = [*warm.values(), *cold.values()]
    logs = [np.log(np.maximum(group, _LEAST_MS)) for group in groups]
    room = _REACH * 1.2 * WIDEST
    start = min(float(each.min()) for each in logs) - room
    size = int((max(float(each.max()) for each in logs) + room - start) / _STEP) + 2
    placed = np.stack([_placed(each, start, size) for each in logs])
    usual, first = placed[: len(warm)], placed[len(warm) :] if cold else placed
    widths = (_width(logs[: len(warm)]), _width(logs[len(warm) :] or logs))
    return Masses(start, usual, first, widths)


def _width(logs: Sequence[Array]) -> float:
    """Width of a kernel for so many values, by Silverman's rule (1986): few requests
    are no law, and a log must not be fitted to their very values."""
    values = np.concatenate(logs)
    low, high = np.percentile(values, (25, 75))
    spread = min(float(values.std()), float(high - low) / 1.34)
    return float(0.9 * spread * len(values) ** -0.2)


def _placed(logs: Array, start: float, size: int) -> Array:
    """Equal weights, each shared by the two places that it lies between."""
    place = (logs - start) / _STEP
    below = place.astype(np.intp)
    part = place - below
    found = np.bincount(below, 1 - part, size) + np.bincount(below + 1, part, size)
    return np.asarray(found / len(logs), dtype=np.float64)


def curves(local: Masses, warm: Array, cold: Array, spreads: Array) -> Curves:
    """``warm`` and ``cold`` are weights (places,), smoothed by each of ``spreads``."""
    both = np.stack([warm, cold])
    size = next_fast_len(2 * both.shape[1], real=True)
    turn = 2 * np.pi * rfftfreq(size, _STEP)
    widths = np.hypot(spreads[:, np.newaxis], local.widths)[..., np.newaxis]
    kernel = np.exp(-0.5 * (widths * turn) ** 2)
    smooth = irfft(rfft(both, size) * kernel, size)[..., : both.shape[1]]
    sums = np.clip(np.cumsum(smooth, axis=-1), 0, 1)
    # The weight of a place reaches half a step beyond it.
    return Curves(local.start + _STEP / 2, sums[:, 0], sums[:, 1])


def surface(seen: Spans, of: Curves, factors: Array) -> tuple[Array, Array]:
    """Log-likelihood and best share of cold requests, each (spreads, factors).

    ``factors`` are logarithms. The likelihood is that with the best share.
    """
    at = seen.logs - factors[:, np.newaxis]
    warm, cold = (_between(seen, of.start, each, at) for each in (of.warm, of.cold))
    more = cold - warm
    low = np.zeros(warm.shape[:2])
    high = np.full(warm.shape[:2], MOST_COLD)
    # The likelihood is concave in the share: halve where its slope changes sign.
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        slope = (more / (warm + middle[..., np.newaxis] * more + _NEVER)) @ seen.many
        rises = slope > 0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    share = (low + high) / 2
    likely = np.maximum(warm + share[..., np.newaxis] * more, _NEVER)
    return np.log(likely) @ seen.many, share


def _between(seen: Spans, start: float, sums: Array, at: Array) -> Array:
    """Probability of each span, (spreads, factors, spans)."""
    place = np.clip((at - start) / _STEP, 0, sums.shape[1] - 1.001)
    below = place.astype(np.intp)
    part = place - below
    found = sums[:, below] * (1 - part) + sums[:, below + 1] * part
    return np.asarray(found[..., seen.high] - found[..., seen.low], dtype=np.float64)
