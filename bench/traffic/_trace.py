"""A trace: arrivals of requests, and how to make more or faster ones of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from bench.errors import UserError

Array = NDArray[np.float64]

MOST = 10_000_000
"""Arrivals of a scaled trace: 0.6 GB while it is made. A rate has no such bound."""
LONGEST_S = 366 * 86_400
"""Time that a trace may span; more is a wrong unit, or clocks that were mixed."""
_REMEDY = "scale it less, or draw arrivals of that rate instead: --rate"


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that could not be read: its line, from 1, and why, without its content."""

    line: int
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Arrivals of requests in a file, and what was wrong with its rows.

    ``name`` is that of the file without its folder, ``sha256`` that of its bytes.
    ``at_s`` are the n arrivals in s, sorted, the first is 0. ``start`` is the moment of
    the first one in UTC where the file tells. ``context`` and ``generated`` are tokens
    of each request that go in and come out, or None. ``rows`` counts the rows of the
    file, ``bad_rows`` those that could not be read, of which ``bad`` keeps the first
    20. ``notes`` are sentences on what the file itself says is missing.
    """

    name: str
    format: str
    sha256: str
    at_s: Array
    start: datetime | None
    context: Array | None
    generated: Array | None
    rows: int
    bad_rows: int
    bad: tuple[Bad, ...]
    notes: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Time that the arrivals stand for: to the last one, and one mean gap more."""
        n = self.at_s.size
        return float(self.at_s[-1]) * n / (n - 1)

    def scaled(
        self, *, volume: float = 1.0, speed: float = 1.0, seed: int = 1
    ) -> Trace:
        """This trace with ``volume`` times the requests, and gaps ``speed`` times
        shorter.

        Volume superposes whole copies of the trace: the first as it is, each other one
        turned by a random time, as tenants that know nothing of each other would be. Of
        the copy that is left for a fraction, as many requests as the fraction says are
        drawn. So n becomes exactly round(volume * n). Superposition smooths: gaps get
        nearer to Poisson's, peaks smaller against the mean, and hours flatter; only
        variance / mean of the counts in long windows stays. Speed keeps the bursts, and
        makes them denser.

        Raises UserError where a factor is not positive, or where fewer than 2 or more
        than ``MOST`` arrivals, or more than a year, would come of it.
        """
        for option, factor in (("--volume", volume), ("--speed", speed)):
            if not (math.isfinite(factor) and factor > 0):
                raise UserError(
                    f"{factor} is not a positive number",
                    field=option,
                    remedy="give a factor, such as 2",
                )
        n = self.at_s.size
        if not 2 <= volume * n + 0.5 < MOST:
            raise UserError(
                f"would make {volume * n:,.0f} arrivals of {n:,}; between 2 and "
                f"{MOST:,} can be replayed",
                field="--volume",
                remedy=_REMEDY,
            )
        rng = np.random.default_rng(seed)
        at, chosen = _superposed(self.at_s, self.duration_s, round(volume * n), rng)
        first = float(at[0])
        span_s = float(at[-1] - first) / speed
        if not 0 < span_s <= LONGEST_S:
            raise UserError(
                "would put all arrivals at one moment, or over more than a year",
                field="--speed" if at[-1] > first else "--volume",
                remedy=_REMEDY,
            )
        return replace(
            self,
            at_s=(at - first) / speed,
            start=self.start and self.start + timedelta(seconds=first),
            context=None if self.context is None else self.context[chosen],
            generated=None if self.generated is None else self.generated[chosen],
        )


def _superposed(
    at_s: Array, duration_s: float, wanted: int, rng: np.random.Generator
) -> tuple[Array, NDArray[np.intp]]:
    """``wanted`` arrivals of copies of ``at_s``, sorted, and which request each is."""
    n = at_s.size
    times, requests = [], []
    for copy in range(-(-wanted // n)):
        left = wanted - copy * n
        kept = np.arange(n) if left >= n else rng.choice(n, left, replace=False)
        turn = rng.uniform(0, duration_s) if copy else 0.0
        times.append((at_s[kept] + turn) % duration_s)
        requests.append(kept)
    at, chosen = np.concatenate(times), np.concatenate(requests)
    order = np.argsort(at, kind="stable")
    return at[order], chosen[order]
