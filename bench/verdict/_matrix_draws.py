"""Verdicts over everything that is not known: bank, transfer factor, and the sample.

A draw is one guess of the bank, one factor, and one resample of the measurement. Draws
have an order, by the requests that an isolate lasts: the verdict is that of the median
draw, so that half of them are as good or better, and its confidence is the share of
draws with the same verdict. A resample draws
processes first and then requests of them, because requests of one process are not
independent. All banks and factors see the same requests, so that the verdict moves with
each of them in one direction only.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.transfer import factors
from bench.verdict import bank
from bench.verdict._matrix_costs import Costs
from bench.verdict._matrix_terms import UNTIL
from bench.verdict.bank import MIDDLE, REQUESTS, Array, Bank

FACTORS = factors(None)
"""What the factor may be where the run keeps none (`bench.transfer`)."""
RESAMPLES = 20
ISOLATES = 100
Guesses = Sequence[tuple[float, float]]
_STEPS = 10  # halvings that find a factor to about 1 %


@dataclass(frozen=True, slots=True)
class Share:
    """The verdict of the median draw, the share of draws that have the same, and after
    how many requests the median ends where its verdict is about them."""

    verdict: str
    confidence: float
    requests: float | None

    @property
    def said(self) -> str:
        """The verdict in words."""
        return bank.said(self.verdict, self.requests)


@dataclass(frozen=True, slots=True)
class Draws:
    """Requests of isolates, (resamples, isolates, requests) in ms here, and the mean
    of a usual request in each resample. The first resample is the sample itself.

    ``factors`` are those that a millisecond here may be of Cloudflare's.
    """

    costs: Array
    means: Array
    factors: tuple[float, ...] = FACTORS

    def lasting(self, limit_ms: float, guesses: Guesses = bank.GUESSES) -> Array:
        """Requests that an isolate lasts, (banks, factors, resamples)."""
        banks = bank.banks(limit_ms, guesses)
        by_factor = [_lasting(self, banks, factor) for factor in self.factors]
        return np.stack(by_factor, axis=1)

    def edge(self, limit_ms: float) -> float:
        """Largest transfer factor at which it fits, in the middle bank.

        Above it the verdict is another. Infinite for what costs nothing.
        """
        whole = Draws(self.costs[:1], self.means[:1])
        most, mean = float(whole.costs.max()), float(whole.means[0])
        if mean <= 0:
            return math.inf
        guess = [Bank(limit_ms, *MIDDLE)]
        # Below the first nothing overdraws, above the second the mean does.
        low, high = limit_ms / most, limit_ms / mean
        for _ in range(_STEPS):
            middle = math.sqrt(low * high)
            if math.isinf(_lasting(whole, guess, middle)[0, 0]):
                low = middle
            else:
                high = middle
        return low


def draw(costs: Costs, seed: int, factors: tuple[float, ...] = FACTORS) -> Draws:
    """Resamples of one measurement, the same for the same seed and names."""
    name = f"{costs.workload}/{costs.route}/{costs.fixture}"
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    usual, first = (
        _resampled(list(groups.values()), rng) for groups in (costs.usual, costs.first)
    )
    made = [
        bank.drawn(warm, cold, REQUESTS, ISOLATES, rng)
        for warm, cold in zip(usual, first, strict=True)
    ]
    return Draws(np.stack(made), np.stack([pool.mean() for pool in usual]), factors)


def _resampled(groups: list[Array], rng: np.random.Generator) -> list[Array]:
    """``RESAMPLES`` pools of requests, in which each process has the same weight."""
    size = max(map(len, groups))
    pools = [np.concatenate([np.resize(group, size) for group in groups])]
    for _ in range(RESAMPLES - 1):
        chosen = rng.integers(len(groups), size=len(groups))
        pools.append(
            np.concatenate([rng.choice(groups[process], size) for process in chosen])
        )
    return pools


def _lasting(draws: Draws, guesses: list[Bank], factor: float) -> Array:
    """(banks, resamples); without a walk where no request is over the limit."""
    shape = (len(guesses), len(draws.means))
    if float(draws.costs.max()) * factor <= guesses[0].limit_ms:
        return np.full(shape, math.inf)
    dead = bank.deaths(draws.costs * factor, guesses)
    lasting = bank.lasts(dead, REQUESTS)
    pairs = zip(lasting, guesses, strict=True)
    return np.stack([bank.sustained(row, draws.means * factor, g) for row, g in pairs])


def share(lasting: Array) -> Share:
    """The verdict of the median draw, and the share of draws that have the same."""
    ordered = np.sort(lasting, axis=None)
    # The lower one of two in the middle: the stricter verdict stands.
    median = float(ordered[(len(ordered) - 1) // 2])
    verdict = bank.kind(median)
    same = sum(bank.kind(value) == verdict for value in ordered)
    requests = median if verdict == UNTIL else None
    return Share(verdict, same / len(ordered), requests)
