"""When requests arrive at each location: drawn by rate and burstiness, or replayed.

Gaps are gamma with mean 1, which is the exponential where the coefficient of variation
is 1, and time runs faster where the rate is higher: the n-th arrival is where the
integral of the rate reaches the sum of n gaps (Cinlar, Introduction to Stochastic
Processes, 1975, 4.7). The first gap is that of a process that has been running for
long, a uniform part of a gap that is met by its length (Cox, Renewal Theory, 1962,
5.4); otherwise bursty traffic would begin with a burst at every location.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bench.simulation._compiled import compiled
from bench.simulation._random import exponential, gamma, key, uniform, word
from bench.simulation.histogram import Array, Counts

if TYPE_CHECKING:
    from bench.simulation import Demand

BLOCK = 16_384
"""Arrivals that are made, and then served, at a time: they stay in the L2 cache."""
_GAPS, _SPLIT = 0, 1
_ONE = np.uint64(1)


class Source(NamedTuple):
    """Where one location is in its stream of arrivals."""

    key: np.uint64
    shape: float  # of the gamma distribution of gaps
    rates: Array  # (bins,) arrivals a ms
    widths: Array  # (bins,) ms that one expected arrival takes; inf at rate 0
    bin_ms: float
    clock: Array  # (1,) time of the last arrival in ms
    cursor: Counts  # (2,) next unused word, present bin


def weights(demand: Demand) -> Array:
    """Share of the requests that each location gets, (locations,), largest first."""
    ranks = np.arange(1, demand.locations + 1, dtype=np.float64)
    heights = ranks**-demand.skew
    shares: Array = heights / heights.sum()
    return shares


def replayed(demand: Demand, seed: int) -> list[Array] | None:
    """Arrivals in ms of each location where the demand has arrivals, else None.

    Each goes to a location by weight, independent of the others.
    """
    if demand.at_s is None:
        return None
    ends = np.cumsum(weights(demand))
    at_ms = np.asarray(demand.at_s, dtype=np.float64) * 1000.0
    drawn = _uniforms(key(seed, _SPLIT), at_ms.size)
    place = np.searchsorted(ends[:-1], drawn, side="right")
    counts = np.bincount(place, minlength=demand.locations)
    together = at_ms[np.argsort(place, kind="stable")]
    return np.split(together, np.cumsum(counts)[:-1])


def blocks(
    demand: Demand, seed: int, location: int, known: Array | None, size: int = BLOCK
) -> Iterator[Array]:
    """Arrivals of one location in ms, up to ``size`` at a time, in order.

    ``known`` are those that are replayed. The array is the same each time and may be
    overwritten.
    """
    block = np.empty(size)
    if known is not None:
        for begin in range(0, known.size, size):
            part = known[begin : begin + size]
            block[: part.size] = part
            yield block[: part.size]
        return
    source = _source(demand, seed, location)
    while count := fill(source, block):
        yield block[:count]


def _source(demand: Demand, seed: int, location: int) -> Source:
    rates = np.asarray(demand.rates, dtype=np.float64) / 1000.0
    rates = np.ascontiguousarray(rates * weights(demand)[location])
    with np.errstate(divide="ignore"):
        widths = 1.0 / rates
    return Source(
        key=key(seed, _GAPS, location),
        shape=1.0 / demand.cv**2,
        rates=rates,
        widths=widths,
        bin_ms=demand.duration_s * 1000.0 / rates.size,
        clock=np.zeros(1),
        cursor=np.zeros(2, dtype=np.int64),
    )


@compiled
def fill(source: Source, block: Array) -> int:
    """Write the next arrivals into ``block``; how many, 0 after the last one."""
    now = source.clock[0]
    number, place = np.uint64(source.cursor[0]), source.cursor[1]
    ends = (place + 1) * source.bin_ms
    count = 0
    while count < block.size:
        if number == 0:
            left, number = _first(source.key, number, source.shape)
        elif source.shape == 1.0:
            left = exponential(source.key, number)
            number += _ONE
        else:
            left, number = gamma(source.key, number, source.shape)
            left /= source.shape
        # At rate 0 a gap of 0 would take 0 * inf, no number: not before the end.
        while place < source.rates.size and not (
            now + left * source.widths[place] < ends
        ):
            left = max(left - (ends - now) * source.rates[place], 0.0)
            now = ends
            place += 1
            ends = (place + 1) * source.bin_ms
        if place == source.rates.size:
            break
        now += left * source.widths[place]
        block[count] = now
        count += 1
    source.clock[0] = now
    source.cursor[0], source.cursor[1] = np.int64(number), place
    return count


@compiled
def _first(key: np.uint64, number: np.uint64, shape: float) -> tuple[float, np.uint64]:
    met, after = gamma(key, number + _ONE, shape + 1.0)
    return met / shape * uniform(word(key, number)), after


@compiled
def _uniforms(key: np.uint64, count: int) -> Array:
    found = np.empty(count)
    for number in range(count):
        found[number] = uniform(word(key, np.uint64(number)))
    return found
