"""A day of traffic on Workers, request by request: who waits, is cold, or is ended.

Every request is simulated, in compiled loops that keep nothing of it but counts: 10^9
requests of one day take less than a minute on two cores and the memory of one block.

    outcome = simulate(demand, work, Isolates(), banks(10.0), seed=1)
    outcome.killed / outcome.requests, outcome.latency.quantile(0.99)

The model. Traffic reaches ``locations`` of unequal weight, each with isolates of its
own. What an isolate does is in `bench.simulation._serve`: one thread, first come first
served, the first request cold. How many isolates there are and how long they live is
published nowhere, so all of `Isolates` is an assumption, to be varied. What is left
out: a request uses its CPU in one piece before it waits; requests never move between
isolates; memory above the limit is counted and ends nothing.

`bench.simulation.check` holds this to a plain simulation in SimPy, the tests hold it to
closed forms; `bench.simulation.queueing` answers for machines that share one queue.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import UserError
from bench.simulation.histogram import Array, Counts, Histogram, Quantile, needed

if TYPE_CHECKING:
    from bench.measure.stages import Reporter
    from bench.verdict.bank import Bank

__all__ = [
    "Demand",
    "Histogram",
    "Isolates",
    "Outcome",
    "Quantile",
    "Work",
    "needed",
    "simulate",
]

MEMORY_MB = 128.0
"""Memory of an isolate (Workers limits)."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Traffic of ``duration_s`` over all locations.

    ``rates`` are arrivals a second of all locations together, in bins of equal width
    over the duration; ``cv`` is the coefficient of variation of the gaps at one
    location, 1 for Poisson. Where ``at_s`` is given, sorted and in s, these arrivals
    are replayed instead, and each gets a location by weight. Location k of the
    ``locations`` has weight k^-``skew``. Raises UserError for values that could not be.
    """

    duration_s: float
    rates: Array
    cv: float = 1.0
    at_s: Array | None = None
    locations: int = 300
    skew: float = 0.8

    def __post_init__(self) -> None:
        _check("duration", self.duration_s, positive=True)
        _check("cv", self.cv, positive=True)
        _check("skew", self.skew)
        _check("locations", self.locations, positive=True)
        if self.at_s is None:
            _check_all("rate", self.rates)
            return
        _check_all("arrivals", self.at_s)
        if np.any(np.diff(self.at_s) < 0) or self.at_s[-1] > self.duration_s:
            raise UserError(
                "the arrivals are not sorted, or go on after the duration",
                field="arrivals",
                remedy="sort them, and give a duration that holds them all",
            )

    @property
    def expected(self) -> float:
        """Requests that are expected; their number where they are replayed."""
        if self.at_s is not None:
            return float(len(self.at_s))
        return float(np.mean(self.rates)) * self.duration_s


@dataclass(frozen=True, slots=True)
class Work:
    """One request, its CPU in ms of production.

    ``warm_ms``, ``cold_ms`` and ``outside_ms`` are empirical samples, drawn with equal
    probability: CPU of a request, CPU of the first one of an isolate, and how long it
    waits for what is outside. ``memory_mb`` is one request in flight and ``base_mb`` an
    idle isolate; ``start_ms`` is the wall time until a new isolate can begin. Raises
    UserError for values that could not be.
    """

    warm_ms: Array
    cold_ms: Array
    outside_ms: Array
    memory_mb: float
    base_mb: float
    start_ms: float

    def __post_init__(self) -> None:
        for name in ("warm_ms", "cold_ms", "outside_ms"):
            _check_all(name, getattr(self, name))
        for name in ("memory_mb", "base_mb", "start_ms"):
            _check(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class Isolates:
    """How isolates live. None of it is published; all of it is an assumption.

    One is evicted after ``idle_s`` without a request in it, and ended anyway after an
    exponential life of mean ``life_s``. Another one is started at a location, up to
    ``most``, when every one there has more than ``backlog_ms`` of CPU work waiting.
    Times may be infinite. Raises UserError for values that could not be.
    """

    idle_s: float = 600.0
    life_s: float = 86_400.0
    backlog_ms: float = 20.0
    most: int = 64

    def __post_init__(self) -> None:
        for name in ("idle_s", "life_s", "most"):
            _check(name, getattr(self, name), positive=True, finite=name == "most")
        _check("backlog_ms", self.backlog_ms, finite=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a simulation counted.

    requests, cold: requests, and those that were the first of an isolate.
    started: isolates started, one for each cold request.
    killed: (banks,) requests ended by the CPU limit. The next request of that isolate
        finds, for this bank, a fresh one and is cold; ``cold`` does not count it.
    over_memory: requests that found their isolate above memory, themselves included.
    latency: whole requests in ms: start, waiting for the thread, CPU, outside.
    in_flight: requests in flight in the isolate that takes the request, with it; a
        number above twice what memory holds, or 65,536, counts as that.
    hourly: "requests" and "cold", (hours,), and "killed", (banks, hours).
    batches: (locations, 2 + banks) requests, cold and killed by location, which are
        independent of each other.
    seconds: wall time without compiling; peak_mib: peak memory of the whole process.
    """

    requests: int
    cold: int
    started: int
    killed: Counts
    over_memory: int
    latency: Histogram
    in_flight: Histogram
    hourly: Mapping[str, Counts]
    batches: Counts
    seconds: float
    peak_mib: float
    threads: int
    seed: int


def simulate(
    demand: Demand,
    work: Work,
    isolates: Isolates,
    banks: Sequence[Bank],
    *,
    seed: int = 1,
    threads: int = 2,
    progress: Reporter | None = None,
    memory_mb: float = MEMORY_MB,
) -> Outcome:
    """Simulate ``demand``, with the requests of each of the ``banks`` side by side.

    The result follows from the arguments and ``seed``, whatever ``threads`` is. Ctrl-C
    ends it within milliseconds. Raises UserError for a number of threads or a memory
    that is not positive.
    """
    from bench.simulation import _run

    _check("threads", threads, positive=True)
    _check("memory_mb", memory_mb, positive=True)
    case = _run.case(demand, work, isolates, banks, seed, memory_mb)
    return _run.run(case, threads, progress)


def _check(
    field: str, value: float, *, positive: bool = False, finite: bool = True
) -> None:
    above = value > 0.0 if positive else value >= 0.0
    if above and (math.isfinite(value) or not finite):
        return
    kind = "a positive number" if positive else "a number, 0 or more"
    raise UserError(f"{value} is not {kind}", field=field, remedy=f"give {kind}")


def _check_all(field: str, values: Array) -> None:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim == 1 and found.size and (np.isfinite(found) & (found >= 0)).all():
        return
    raise UserError(
        "these are not numbers, 0 or more, at least one",
        field=field,
        remedy="leave out what is missing, negative or infinite",
    )
