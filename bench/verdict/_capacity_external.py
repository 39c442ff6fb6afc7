"""How many machines an engine outside needs, by level of service.

A machine serves one request at a time, first come first served, for the time that the
engine was measured to take. The level is the share of requests that are answered within
a few mean service times; a number of machines is enough where the low end of that
share's interval reaches the level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.measure.statistics import Interval, proportion_interval
from bench.simulation import queueing
from bench.verdict._capacity_assumed import Assumed
from bench.verdict._capacity_engines import Engine
from bench.verdict._capacity_traffic import Traffic
from bench.verdict._capacity_used import Used
from bench.verdict.bank import Array

LEVELS = (0.95, 0.99, 0.999)
"""Shares of requests that are answered in time."""
MOST = 10_000
ITSELF = "the workload itself"
_DRAWN = 100_000  # requests of a rate
_FEW = 1000  # requests that have no batches
Row = dict[str, Any]


class Machines(NamedTuple):
    """Fewest machines with the level, as they may also be, and what they then do.

    ``low`` counts those whose level may be enough, the high end of its interval.
    """

    number: int
    low: int
    utilisation: float
    reached: Interval


def subjects(used: Used) -> list[Engine]:
    """The engines of a run, and the workload itself on machines outside."""
    itself = Engine(
        ITSELF,
        f"CPU of a warm request, {used.costs.fixture}",
        used.warm_ms,
        None,
        0.0,
        used.costs.evidence[0],
    )
    return [*used.engines, itself]


def rows(traffic: Traffic, used: Used, assumed: Assumed, seed: int) -> list[Row]:
    """``external`` of the document: machines for each engine and level."""
    return [
        row
        for engine in subjects(used)
        for row in _levels(traffic, engine, assumed.stretch, seed)
    ]


def _levels(
    traffic: Traffic, engine: Engine, stretch: float, seed: int
) -> Iterator[Row]:
    within = stretch * float(engine.service_ms.mean())
    for level in LEVELS:
        found = needed(traffic, engine.service_ms, within, level, seed)
        own = float(np.mean(engine.service_ms <= within))
        yield {
            "engine": engine.name,
            "what": engine.what,
            "level": level,
            "within_ms": within,
            "machines": found and found.number,
            "machines_low": found and found.low,
            "utilisation": found and found.utilisation,
            "reached": found and found.reached.value,
            "low": found and found.reached.low,
            "high": found and found.reached.high,
            "n": found.reached.n if found else 0,
            "note": "" if found else f"by itself it answers {own:.2%} within that",
            "evidence": [engine.evidence],
        }


def needed(
    traffic: Traffic, service_ms: Array, within_ms: float, level: float, seed: int
) -> Machines | None:
    """Machines for the expected traffic: a trace is replayed, a rate is drawn.

    None where no number of machines reaches the level, because the engine is too slow
    without any wait.
    """
    if float(np.mean(service_ms <= within_ms)) <= level:
        return None
    if traffic.trace is not None:
        return replayed(traffic.trace.at_s, service_ms, within_ms, level, seed)
    return drawn(traffic.rate, service_ms, within_ms, level, seed, traffic.cv)


def replayed(
    at_s: Array, service_ms: Array, within_ms: float, level: float, seed: int
) -> Machines | None:
    """Machines for these very arrivals, each with a service time drawn."""
    rng = np.random.default_rng(seed)
    service_s = rng.choice(service_ms, size=len(at_s)) / 1000

    def reached(servers: int) -> Interval:
        took = queueing.waits(at_s, service_s, servers) + service_s
        return _level(took * 1000 <= within_ms)

    number = _fewest(lambda servers: reached(servers).low >= level)
    if number is None:
        return None
    low = _fewest(lambda servers: reached(servers).high >= level) or number
    span = float(at_s[-1] - at_s[0]) or 1.0
    busy = float(service_s.sum()) / span / number
    return Machines(number, low, busy, reached(number))


def _level(in_time: NDArray[np.bool_]) -> Interval:
    """Share in time; requests that are late together count as fewer."""
    if len(in_time) < _FEW:
        return proportion_interval(int(in_time.sum()), len(in_time))
    return Interval(*queueing._level(in_time))


def drawn(
    rate: float,
    service_ms: Array,
    within_ms: float,
    level: float,
    seed: int,
    cv: float = 1.0,
    requests: int = _DRAWN,
) -> Machines | None:
    """Machines for drawn arrivals; None where even the most are not enough.

    ``cv`` is that of one location, and here of all: many of them are smoother, so that
    these are too many machines rather than too few.
    """
    found = queueing.machines(
        rate,
        service_ms,
        within_ms=within_ms,
        level=level,
        cv=cv,
        seed=seed,
        most=MOST,
        requests=requests,
    )
    if found.count is None:
        return None
    reached = Interval(found.level, found.low, found.high, found.n)
    return Machines(found.count, found.count, found.utilisation, reached)


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """The smallest number that is enough; more is never less."""
    high = 1
    while not enough(high):
        if high >= MOST:
            return None
        high = min(2 * high, MOST)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
