"""Traffic as the simulation takes it: a trace that is replayed, or a rate.

A whole run simulates every location and all of the time. A small one is for questions
that are asked at many rates: its few locations each stand for an equal share of the
requests, from the busiest to the quietest, because where limits break first depends on
how busy a location is; and each is followed for as many requests as there is room for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import UserError
from bench.progress import duration
from bench.simulation import Demand
from bench.verdict._capacity_assumed import Assumed
from bench.verdict.bank import Array

if TYPE_CHECKING:
    from bench.traffic import Shape, Trace

STRATA = 6
"""Locations of a small run."""
REQUESTS = 120_000
"""Requests of a small run, all of its locations together."""
LONGEST_S = 30 * 86_400.0
"""A quiet location is followed for a month at most."""
DURATION = "24h"
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_FEW_GAPS = 20


@dataclass(frozen=True, slots=True)
class Traffic:
    """``rate`` requests a second on average over ``duration_s``.

    ``trace`` and ``shape`` are None where a rate was given; ``cv`` is that of the gaps
    of drawn arrivals at one location, ``peak`` the largest rate over the mean one.
    """

    name: str
    rate: float
    duration_s: float
    cv: float
    trace: Trace | None
    shape: Shape | None

    @property
    def requests(self) -> int:
        """Arrivals that are expected, or that a trace has."""
        if self.trace is not None:
            return len(self.trace.at_s)
        return round(self.rate * self.duration_s)

    @property
    def peak(self) -> float:
        """Largest rate over the mean rate."""
        return 1.0 if self.shape is None else max(self.shape.peak / self.rate, 1.0)

    @property
    def offset_s(self) -> float:
        """Seconds from a full hour, UTC, to the first arrival."""
        start = None if self.trace is None else self.trace.start
        if start is None:
            return 0.0
        return start.minute * 60.0 + start.second + start.microsecond / 1e6

    def whole(self, assumed: Assumed) -> Demand:
        """All of it, in hours that begin when the clock's do."""
        every: dict[str, Any] = {
            "locations": round(assumed.locations),
            "skew": assumed.skew,
        }
        if self.trace is None:
            return Demand(self.duration_s, np.array([self.rate]), cv=self.cv, **every)
        lasts = self.duration_s + self.offset_s
        rates = np.array([self.requests / lasts])
        return Demand(lasts, rates, at_s=self.trace.at_s + self.offset_s, **every)

    def twin(self, assumed: Assumed) -> Demand:
        """The same requests a second with exponential gaps and nothing else."""
        return Demand(
            self.duration_s,
            np.array([self.rate]),
            cv=1.0,
            locations=round(assumed.locations),
            skew=assumed.skew,
        )

    def small(self, rate: float, assumed: Assumed, seed: int) -> Iterator[Demand]:
        """One location for each stratum, when all together have ``rate`` requests a
        second; gaps are as irregular as those that it has of the trace."""
        for place, weight in enumerate(strata(assumed)):
            here = rate * weight
            lasts = min(REQUESTS / STRATA / here, LONGEST_S)
            cv = self.cv if self.trace is None else self._local(weight, seed + place)
            yield Demand(lasts, np.array([here]), cv=cv, locations=1, skew=0.0)

    def _local(self, weight: float, seed: int) -> float:
        """Coefficient of variation of the gaps of the trace at a location that has
        ``weight`` of it; 1 where too few are left to tell."""
        if self.trace is None:
            return self.cv
        rng = np.random.default_rng(seed)
        mine = self.trace.at_s[rng.random(len(self.trace.at_s)) < weight]
        gaps = np.diff(mine)
        if len(gaps) < _FEW_GAPS or not gaps.mean() > 0:
            return 1.0
        return max(float(gaps.std() / gaps.mean()), 0.1)


def strata(assumed: Assumed) -> Array:
    """Weights of the ``STRATA`` locations that stand for all, of shape (STRATA,).

    Each is the one in the middle of its share of the requests, locations in order of
    their Zipf weights.
    """
    every = np.arange(1.0, round(assumed.locations) + 1) ** -assumed.skew
    every /= every.sum()
    middles = (np.arange(STRATA) + 0.5) / STRATA
    places = np.searchsorted(np.cumsum(every), middles)
    return np.asarray(every[np.minimum(places, len(every) - 1)], dtype=np.float64)


def of_rate(rate: float, duration_s: float, cv: float = 1.0) -> Traffic:
    """Traffic of ``rate`` requests a second, at each location with gaps of ``cv``.

    Raises UserError for what cannot be, and for fewer than two requests.
    """
    for name, value, largest in (("rate", rate, 1e6), ("cv", cv, 100.0)):
        if not 0 < value <= largest:
            raise UserError(
                f"{value:g} is not a {name}",
                field=name,
                remedy=f"give a number above 0 and at most {largest:,.0f}",
            )
    if rate * duration_s < 2:
        raise UserError(
            f"{rate:g} a second over {duration_s:g} s is less than two requests",
            field="duration",
            remedy="give a longer time or more requests",
        )
    name = f"{rate:,g} requests a second for {duration(duration_s)}"
    return Traffic(name, rate, duration_s, cv, None, None)


def of_trace(
    path: Path,
    *,
    format: str | None,
    columns: dict[str, str] | None,
    volume: float,
    speed: float,
    seed: int,
) -> Traffic:
    """Traffic of a file, scaled. Raises UserError as `bench.traffic.read` does."""
    from bench import traffic

    trace = traffic.read(path, format=format, columns=columns)
    if volume != 1.0 or speed != 1.0:
        trace = trace.scaled(volume=volume, speed=speed, seed=seed)
    shape = traffic.shape(trace)
    return Traffic(trace.name, shape.rate, trace.duration_s, shape.cv, trace, shape)


def seconds(text: str) -> float:
    """``24h``, ``90m``, ``30s`` or ``7d`` in seconds; raises UserError for else."""
    found = _DURATION.fullmatch(text.strip())
    value = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0 < value <= 31 * 86_400:
        raise UserError(
            f"{text!r} is not a duration",
            field="duration",
            remedy="write it as 24h, 90m, 30s or 7d; 31 days at most",
        )
    return value


def columns_of(text: str | None) -> dict[str, str] | None:
    """``time=ts,context=in`` as a mapping; raises UserError for else."""
    if text is None:
        return None
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name.strip() and column.strip() for name, _, column in pairs):
        raise UserError(
            f"{text!r} names no columns",
            field="columns",
            remedy="write it as time=ts,context=input,generated=output",
        )
    return {name.strip(): column.strip() for name, _, column in pairs}
