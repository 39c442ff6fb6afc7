"""The same small case in SimPy, event by event, which must count exactly the same.

`bench.simulation._events` is the model a second time. What it and the compiled loops
count is compared, request by request, and both are timed on that case.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.simulation import Demand, _run, simulate
from bench.simulation._arrivals import weights
from bench.simulation._events import Model
from bench.simulation.histogram import Array

if TYPE_CHECKING:
    from bench.simulation import Isolates, Outcome, Work
    from bench.verdict.bank import Bank

LOCATIONS = 5
BUSY = 3.0
"""Isolates that the CPU of the busiest location fills, on average over the bins."""
CV = 1.5
_SHAPE = (0.4, 1.6, 1.2, 0.8)  # of the rate over the duration, mean 1
_TOLERANCE_MS = 1e-6


@dataclass(frozen=True, slots=True)
class Check:
    """Whether both agree, in what they do not, and CPU seconds of each on one thread.

    ``ratio`` is how many times as much SimPy takes; compiling is in neither.
    """

    requests: int
    equal: bool
    differences: list[str]
    ours_s: float
    simpy_s: float
    ratio: float


def against_simpy(
    work: Work,
    isolates: Isolates,
    banks: Sequence[Bank],
    *,
    requests: int = 20_000,
    seed: int = 1,
    demand: Demand | None = None,
    memory_mb: float = 128.0,
) -> Check:
    """Simulate about ``requests`` requests, or a ``demand``, here and in SimPy.

    Counts and requests in flight must be equal, and so must each latency up to the
    rounding of sums. Times that are equal to the last bit (round samples, arrivals all
    at once) may be taken in another order by SimPy, and then differ.
    """
    demand = demand or _demand(work, requests)
    once = (demand, work, isolates, banks)
    simulate(*once, seed=seed, threads=1, memory_mb=memory_mb)
    began = time.process_time()
    ours = simulate(*once, seed=seed, threads=1, memory_mb=memory_mb)
    between = time.process_time()
    case = _run.case(*once, seed, memory_mb)
    model = Model(case, banks)
    ended = time.process_time()
    each = [_latencies(case, location) for location in range(demand.locations)]
    found = _differences(ours, each, model)
    return Check(
        requests=ours.requests,
        equal=not found,
        differences=found,
        ours_s=between - began,
        simpy_s=ended - between,
        ratio=(ended - between) / (between - began),
    )


def _demand(work: Work, requests: int) -> Demand:
    """Rates that rise and fall, bursty, with several isolates at the busiest place."""
    one = Demand(1.0, np.ones(1), cv=CV, locations=LOCATIONS)
    mean_s = max(float(np.mean(work.warm_ms)), 1e-3) / 1000.0
    rate = BUSY / mean_s / float(weights(one)[0])
    rates = rate * np.array(_SHAPE)
    return Demand(requests / rate, rates, cv=CV, locations=LOCATIONS)


def _latencies(case: _run.Case, location: int) -> Array:
    """Ours in ms at one location, request by request."""
    kept = [np.empty(0)]

    def keep(block: Array) -> bool:
        kept.append(block.copy())
        return True

    _run.follow(case, location, keep)
    return np.concatenate(kept)


def _differences(ours: Outcome, latencies: Sequence[Array], model: Model) -> list[str]:
    """What the two disagree in, in words."""
    theirs = [place.in_order() for place in model.places]
    counts = {
        "requests": (ours.requests, sum(found.size for found in theirs)),
        "cold": (ours.cold, model.cold),
        "started": (ours.started, sum(place.started for place in model.places)),
        "over memory": (ours.over_memory, model.over_memory),
        "killed": (ours.killed.tolist(), model.killed),
    }
    found = [
        f"{name}: {here} here, {there} in SimPy"
        for name, (here, there) in counts.items()
        if here != there
    ]
    if not np.array_equal(ours.in_flight.counts, model.in_flight):
        found.append("requests in flight: other counts")
    for location, (here, there) in enumerate(zip(latencies, theirs, strict=True)):
        if here.shape != there.shape:
            found.append(f"location {location}: {here.size} and {there.size} latencies")
        elif not np.allclose(here, there, rtol=0, atol=_TOLERANCE_MS):
            worst = float(np.abs(here - there).max())
            found.append(f"location {location}: latencies differ by up to {worst} ms")
    return found
