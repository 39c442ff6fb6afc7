"""At which rate a simulated limit binds: a grid of rates, then halving between two.

A limit binds where more than the tolerated share of requests meets it. The grid reaches
from a request in some minutes to more than any Worker is known to have; what does not
bind on it is said never to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from bench.measure.statistics import Interval
from bench.verdict._capacity_runs import MIDDLE, MILDEST, STRICTEST, Case, Seen, small
from bench.verdict.bank import GUESSES, TOLERATED

LOWEST, HIGHEST = 0.01, 100_000.0
RATES = tuple(float(f"{rate:.3g}") for rate in np.geomspace(LOWEST, HIGHEST, 15))
"""Requests a second of all locations, two in each power of ten."""
_HALVINGS = 4  # of a factor of 3.2: to about 8 %
Share = Callable[[Seen], float]


@dataclass(slots=True)
class Search:
    """Small runs by rate, each done once; ``factors`` are the transfer factors."""

    case: Case
    factors: tuple[float, ...]
    _seen: dict[tuple[float, float], Seen] = field(default_factory=dict)

    @property
    def factor(self) -> float:
        """The factor in the middle."""
        return self.factors[len(self.factors) // 2]

    def at(self, rate: float, factor: float) -> Seen:
        """A small run at one rate and factor."""
        key = (rate, factor)
        if key not in self._seen:
            self._seen[key] = small(self.case.but(factor=factor), rate)
        return self._seen[key]

    def binds(self, share: Share, factor: float) -> float | None:
        """The lowest rate at which ``share`` is more than tolerated; None for never.

        Zero where that is so at the lowest rate already.
        """
        before = 0.0
        for rate in RATES:
            if share(self.at(rate, factor)) > TOLERATED:
                return self._between(share, factor, before, rate)
            before = rate
        return None

    def _between(self, share: Share, factor: float, low: float, high: float) -> float:
        if not low:
            return 0.0
        for _ in range(_HALVINGS):
            middle = float(f"{(low * high) ** 0.5:.4g}")
            if share(self.at(middle, factor)) > TOLERATED:
                high = middle
            else:
                low = middle
        return high

    def cpu(self, profile: int) -> tuple[float | None, float | None, float | None]:
        """Rate at which the bank of a profile, by its place, ends too many; with the
        strictest guess on the slowest machine, and the mildest on the fastest."""
        first = profile * len(GUESSES)
        worlds = (
            (MIDDLE, self.factor),
            (STRICTEST, max(self.factors)),
            (MILDEST, min(self.factors)),
        )
        value, low, high = (
            self.binds(partial(_killed, column=first + guess), factor)
            for guess, factor in worlds
        )
        return value, low, high

    def memory(self) -> tuple[float | None, float | None, float | None]:
        """Rate at which too many find their isolate above its memory; the ends are over
        the transfer factors, which decide how many share an isolate."""
        found = {
            factor: self.binds(lambda seen: seen.over, factor)
            for factor in (self.factor, min(self.factors), max(self.factors))
        }
        known = [rate for rate in found.values() if rate is not None]
        high = None if None in found.values() else max(known)
        return found[self.factor], min(known, default=None), high

    def killed(self, rate: float, profile: int) -> Interval:
        """Share ended at ``rate``; the ends over all banks and three factors, each
        with the interval of its own run."""
        return envelope(
            {f: self.at(rate, f) for f in (*self._ends(), self.factor)},
            self.factor,
            profile,
        )

    def _ends(self) -> tuple[float, float]:
        return min(self.factors), max(self.factors)


def _killed(seen: Seen, column: int) -> float:
    return float(seen.killed[column])


def envelope(runs: dict[float, Seen], factor: float, profile: int) -> Interval:
    """Share ended by the bank of a profile: of the usual bank at ``factor``, with ends
    over all banks and all ``runs``, which are by factor."""
    columns = range(profile * len(GUESSES), (profile + 1) * len(GUESSES))
    every = [seen.killed_by(column) for seen in runs.values() for column in columns]
    middle = runs[factor].killed_by(columns[MIDDLE])
    return Interval(
        middle.value,
        min(each.low for each in every),
        max(each.high for each in every),
        runs[factor].requests,
    )
