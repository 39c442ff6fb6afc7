"""Machines that share one queue, first come first served, and how many it takes.

The queue is simulated request by request (Kiefer and Wolfowitz, 1955: each request
takes the machine that is free first). The closed forms beside it are what it is held
to: Erlang C for M/M/c (Erlang, 1917), Pollaczek and Khinchine for M/G/1 (1930).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.errors import UserError
from bench.measure.statistics import CONFIDENCE
from bench.simulation.histogram import Array, needed

WARM_UP = 0.1
"""Share of the simulated requests that are left out, because the queue began empty."""
_BATCHES = 50


def waits(at_s: Array, service_s: Array, servers: int) -> Array:
    """How long each request waits for one of the ``servers``, in s.

    ``at_s`` are sorted arrivals and ``service_s`` service times, both (n,). Raises
    ValueError where they are not that, or without a server.
    """
    from bench.simulation._queue import served

    arrivals, services = (
        np.ascontiguousarray(values, dtype=np.float64) for values in (at_s, service_s)
    )
    if arrivals.shape != services.shape or arrivals.ndim != 1:
        raise ValueError("one service time is needed for each arrival")
    if np.any(np.diff(arrivals) < 0) or not np.all(services >= 0) or servers < 1:
        raise ValueError("arrivals must be sorted, services 0 or more, servers >= 1")
    return served(arrivals, services, servers)


def erlang_c(rate: float, mean_s: float, servers: int) -> float:
    """Mean wait in s of M/M/c: ``rate`` arrivals a s, exponential services.

    Infinite where the servers cannot keep up. By the recursion of Erlang B, which does
    not overflow (Cooper, Introduction to Queueing Theory, 1981, 3.4).
    """
    load = rate * mean_s
    if load >= servers:
        return math.inf
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    waiting = blocked / (1.0 - load / servers * (1.0 - blocked))
    return waiting * mean_s / (servers - load)


def pollaczek_khinchine(rate: float, mean_s: float, second_moment: float) -> float:
    """Mean wait in s of M/G/1; ``second_moment`` of the services in s^2. Infinite where
    the server cannot keep up."""
    load = rate * mean_s
    if load >= 1.0:
        return math.inf
    return rate * second_moment / (2.0 * (1.0 - load))


@dataclass(frozen=True, slots=True)
class Machines:
    """How many machines answer a share ``level`` of requests in time.

    ``count`` is None where even the most that were allowed do not; the other values
    are then theirs. ``utilisation`` is the load of one machine, ``low`` to ``high`` the
    95 % interval of the level, ``n`` the independent requests that it is worth.
    """

    count: int | None
    utilisation: float
    level: float
    low: float
    high: float
    n: int


def machines(
    rate: float,
    service_ms: Array,
    *,
    within_ms: float,
    level: float,
    cv: float = 1.0,
    seed: int = 1,
    most: int = 10_000,
    requests: int = 100_000,
) -> Machines:
    """The smallest number of machines whose ``low`` end reaches ``level``.

    ``rate`` arrivals a s with gamma gaps of coefficient of variation ``cv``,
    ``service_ms`` an empirical sample; in time is waiting and service of at most
    ``within_ms``. Found by bisection over the same ``requests`` simulated ones (more
    where the level needs them), since another machine makes no request wait longer.
    Raises UserError for values that could not be.
    """
    _check(rate, service_ms, within_ms, level, cv, most)
    requests = max(requests, 2 * needed(level))
    rng = np.random.default_rng(seed)
    gaps = rng.gamma(1.0 / cv**2, cv**2 / rate, requests)
    at_s = np.cumsum(gaps)
    service_s = rng.choice(np.asarray(service_ms, dtype=np.float64) / 1000.0, requests)
    load = rate * float(np.mean(service_ms)) / 1000.0

    def tried(count: int) -> Machines:
        spent = waits(at_s, service_s, count) + service_s
        in_time = spent[int(WARM_UP * requests) :] <= within_ms / 1000.0
        return Machines(count, load / count, *_level(in_time))

    found = tried(most)
    # Fewer than the load needs never settle, however well they begin.
    below, above = math.floor(load), most
    if load >= most or found.low < level:
        return replace(found, count=None)
    while above - below > 1:
        middle = (above + below) // 2
        answer = tried(middle)
        if answer.low < level:
            below = middle
        else:
            found, above = answer, middle
    return found


def _level(in_time: NDArray[np.bool_]) -> tuple[float, float, float, int]:
    """Share in time with its binomial interval (Clopper and Pearson, 1934).

    Requests that queue together are late together, so the number of independent ones
    is smaller by as much as means of batches vary more than those of independent
    requests would (batch means; Law, Simulation Modeling and Analysis, 2015, 9.5).
    """
    from scipy.stats import binomtest

    share = float(in_time.mean())
    size = in_time.size // _BATCHES
    means = in_time[: size * _BATCHES].reshape(_BATCHES, size).mean(axis=1)
    alone = share * (1.0 - share) / size
    inflation = max(float(means.var(ddof=1)) / alone, 1.0) if alone > 0 else 1.0
    count = max(int(in_time.size / inflation), 1)
    exact = binomtest(round(share * count), count).proportion_ci(CONFIDENCE)
    return share, float(exact.low), float(exact.high), count


def _check(
    rate: float,
    service_ms: Array,
    within_ms: float,
    level: float,
    cv: float,
    most: int,
) -> None:
    services = np.asarray(service_ms, dtype=np.float64)
    for field, fine, kind in (
        ("rate", 0 < rate < math.inf, "a positive number of requests a second"),
        ("cv", 0 < cv < math.inf, "a positive number"),
        ("within_ms", 0 < within_ms < math.inf, "a positive number of ms"),
        ("most", most >= 1, "a number of machines, at least 1"),
        ("level", 0 < level < 1, "a share between 0 and 1, such as 0.99"),
        (
            "service_ms",
            services.size > 0 and np.isfinite(services).all() and (services >= 0).all(),
            "service times in ms, 0 or more, at least one",
        ),
    ):
        if not fine:
            raise UserError("this cannot be", field=field, remedy=f"give {kind}")
