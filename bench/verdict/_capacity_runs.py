"""Runs of the simulation for one workload: what it is fed, and what it is asked.

All banks of all limit profiles see the same requests of one run, so that a difference
between them is never luck. Shares are of requests. The interval of a share is the wider
one of two at each end: over locations, which are independent and hold what depends on
each other, and the exact binomial one, which alone says something where none were seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.measure.statistics import CONFIDENCE, Interval, t_quantile
from bench.platform import LimitProfile
from bench.simulation import Demand, Isolates, Outcome, Work, simulate
from bench.verdict import bank
from bench.verdict._capacity_assumed import Assumed
from bench.verdict._capacity_traffic import Traffic
from bench.verdict._capacity_used import Used
from bench.verdict.bank import Array, Bank

if TYPE_CHECKING:
    from bench.measure.stages import Reporter

WHOLE = 1_000_000
"""Requests up to which a question about the expected traffic is asked of all of it."""
_MB = 1e6
STRICTEST, MIDDLE, MILDEST = (
    0,
    bank.GUESSES.index(bank.MIDDLE),
    len(bank.GUESSES) - 1,
)
"""Places of the bank that ends most isolates, the usual one, and the one that ends
fewest, among the guesses."""


@dataclass(frozen=True, slots=True)
class Case:
    """A workload under some traffic and some assumptions.

    ``factor`` makes ms here to production's, ``cold`` scales first requests and
    ``wait`` what is outside.
    """

    used: Used
    traffic: Traffic
    assumed: Assumed
    profiles: Sequence[LimitProfile]
    factor: float
    seed: int
    threads: int = 2
    cold: float = 1.0
    wait: float = 1.0

    def but(self, **changes: Any) -> Case:
        """The same case with some fields or assumptions replaced."""
        guesses = self.assumed.as_row()
        others = {name: changes.pop(name) for name in list(changes) if name in guesses}
        return replace(self, assumed=replace(self.assumed, **others), **changes)

    @property
    def banks(self) -> list[Bank]:
        """A bank of each guess for each profile, the guesses of one side by side."""
        return [each for one in self.profiles for each in bank.banks(one.cpu_ms)]

    @property
    def memory_mb(self) -> float:
        """Memory of an isolate: the least of the profiles."""
        return min(profile.memory_mb for profile in self.profiles)

    @property
    def isolates(self) -> Isolates:
        """How isolates live."""
        given = self.assumed
        return Isolates(given.idle_s, given.life_s, given.backlog_ms, round(given.most))

    @property
    def work(self) -> Work:
        """One request, in production's milliseconds."""
        used, given = self.used, self.assumed
        base, each = memory(used, given)
        return Work(
            warm_ms=used.warm_ms * self.factor,
            cold_ms=used.cold_ms * self.factor * self.cold,
            outside_ms=outside_ms(used, self.traffic, given) * self.wait,
            memory_mb=each,
            base_mb=base,
            start_ms=given.start_ms,
        )


def memory(used: Used, assumed: Assumed) -> tuple[float, float]:
    """MB of an idle isolate, and of each request in flight: what the heap of chat
    requests says, or the copies of its bodies where they are more."""
    bodies = (used.costs.payload or 0.0) * assumed.body_copies / _MB
    if used.heap is None:
        return assumed.base_mb, bodies
    return used.heap.base_mb, max(used.heap.each_mb, bodies)


def outside_ms(used: Used, traffic: Traffic, assumed: Assumed) -> Array:
    """Samples of the time that a request waits for what is outside.

    A model answers token by token, as many as the trace has of a request, or else
    `Assumed.tokens` a call; every other call waits the same.
    """
    trace = traffic.trace
    told = None if trace is None else trace.generated
    if told is None or used.models == 0:
        tokens = np.array([assumed.tokens * used.models])
    else:
        tokens = np.maximum(np.nan_to_num(told), 0.0)
    calls = assumed.first_token_ms * used.models + assumed.call_ms * used.others
    return np.asarray(calls + assumed.token_ms * tokens, dtype=np.float64)


@dataclass(frozen=True)
class Seen:
    """What a run saw. ``parts`` are its outcomes, each for an equal share of the
    requests: one for a whole run, one a stratum for a small one."""

    parts: tuple[Outcome, ...]

    @cached_property
    def requests(self) -> int:
        """Requests simulated."""
        return sum(part.requests for part in self.parts)

    @cached_property
    def killed(self) -> Array:
        """Share of requests ended by the CPU limit, (banks,)."""
        shares = [part.killed / part.requests for part in self.parts]
        return np.asarray(np.mean(shares, axis=0), dtype=np.float64)

    @cached_property
    def cold(self) -> float:
        """Share of requests that were the first of an isolate."""
        return float(np.mean([part.cold / part.requests for part in self.parts]))

    @cached_property
    def over(self) -> float:
        """Share of requests that found their isolate above its memory."""
        shares = [part.over_memory / part.requests for part in self.parts]
        return float(np.mean(shares))

    def killed_by(self, column: int) -> Interval:
        """Share ended in one bank, with its interval."""
        return self._share(float(self.killed[column]), 2 + column)

    def cold_share(self) -> Interval:
        """Share of cold requests with its interval."""
        return self._share(self.cold, 1)

    def over_share(self) -> Interval:
        """Share above memory with its interval."""
        return exact(self.over, self.requests)

    def _share(self, value: float, column: int) -> Interval:
        found = exact(value, self.requests)
        if len(self.parts) > 1:
            return found
        return _wider(found, over_locations(self.parts[0].batches, column))


def exact(value: float, n: int) -> Interval:
    """A share of ``n`` requests with its exact binomial interval.

    The ends of Clopper and Pearson (1934) as quantiles of beta laws, which takes a
    hundredth of the time that finding their roots does.
    """
    from scipy.special import betaincinv

    hits, tail = round(value * n), (1 - CONFIDENCE) / 2
    low = betaincinv(hits, n - hits + 1, tail) if hits else 0.0
    high = betaincinv(hits + 1, n - hits, 1 - tail) if hits < n else 1.0
    return Interval(value, float(low), float(high), n)


def over_locations(batches: NDArray[Any], column: int) -> Interval:
    """Share of ``column`` in the requests, its interval over locations.

    The variance of a ratio of sums (Cochran, Sampling Techniques, 1977, section 6.3).
    Unbounded with fewer than two locations that had requests.
    """
    had = batches[batches[:, 0] > 0].astype(np.float64)
    requests, hits = had[:, 0], had[:, column]
    n = len(had)
    share = float(hits.sum() / requests.sum())
    if n < 2:
        return Interval(share, 0.0, 1.0, n)
    rest = hits - share * requests
    error = math.sqrt(n / (n - 1) * float(rest @ rest)) / float(requests.sum())
    half = t_quantile(n - 1) * error
    return Interval(share, max(share - half, 0.0), min(share + half, 1.0), n)


def _wider(one: Interval, other: Interval) -> Interval:
    low, high = min(one.low, other.low), max(one.high, other.high)
    return replace(one, low=low, high=high)


def whole(case: Case, demand: Demand | None = None, progress: Any = None) -> Seen:
    """All of the expected traffic, or another demand."""
    return Seen((_run(case, demand or case.traffic.whole(case.assumed), 0, progress),))


def small(case: Case, rate: float | None = None) -> Seen:
    """A few locations that stand for all, at ``rate`` or the expected one."""
    rate = case.traffic.rate if rate is None else rate
    demands = case.traffic.small(rate, case.assumed, case.seed)
    parts = [_run(case, demand, place) for place, demand in enumerate(demands)]
    return Seen(tuple(part for part in parts if part.requests))


def expected(case: Case) -> Seen:
    """The expected traffic as cheaply as it can be asked about."""
    few = case.traffic.requests <= WHOLE
    return whole(case) if few else small(case)


def _run(
    case: Case, demand: Demand, place: int, progress: Reporter | None = None
) -> Outcome:
    return simulate(
        demand,
        case.work,
        case.isolates,
        case.banks,
        seed=case.seed + place,
        threads=case.threads,
        progress=progress,
        memory_mb=case.memory_mb,
    )
