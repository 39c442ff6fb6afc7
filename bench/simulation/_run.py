"""All locations at once: each is a task of a pool of threads, the busiest first.

Locations share nothing, and what one of them draws follows from the seed and its number
alone, so that neither the number of threads nor their order changes a result.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from bench.measure.footprint import peak_rss_bytes
from bench.simulation import _serve
from bench.simulation._arrivals import blocks, replayed
from bench.simulation._random import key
from bench.simulation._serve import HOUR_MS, Columns, Rules, Seen, Tables
from bench.simulation.histogram import Array, Histogram

if TYPE_CHECKING:
    from bench.measure.stages import Reporter
    from bench.simulation import Demand, Isolates, Outcome, Work
    from bench.verdict.bank import Bank

FOLLOWED = 65_536
"""Requests in flight that are followed in one isolate at most."""
_REFRESH_S = 0.25
_DRAWS, _LIVES = 2, 3


@dataclass(frozen=True, slots=True)
class Case:
    """What the locations of one simulation share."""

    demand: Demand
    known: list[Array] | None  # arrivals in ms by location, where they are replayed
    work: Work
    isolates: Isolates
    tables: Tables
    banks: int
    risky: list[int]  # banks that some cost could overdraw
    columns: Columns
    room: int
    seed: int

    @property
    def hours(self) -> int:
        """Hours of the demand, the last of which may be a part."""
        return math.ceil(self.demand.duration_s * 1000.0 / HOUR_MS)

    @property
    def followed(self) -> int:
        """Requests in flight that are told apart in one isolate: twice what fits shows
        how far memory is exceeded."""
        return min(2 * self.room + 64, FOLLOWED)

    def rules(self, location: int) -> Rules:
        """The rules of one location, with its own keys."""
        return Rules(
            draws=key(self.seed, _DRAWS, location),
            lives=key(self.seed, _LIVES, location),
            start_ms=float(self.work.start_ms),
            backlog_ms=float(self.isolates.backlog_ms),
            idle_ms=self.isolates.idle_s * 1000.0,
            life_ms=self.isolates.life_s * 1000.0,
            room=self.room,
        )

    def empty(self) -> Seen:
        """Nothing counted yet."""
        return _serve.seen(len(self.risky), self.hours)


def case(
    demand: Demand,
    work: Work,
    isolates: Isolates,
    banks: Sequence[Bank],
    seed: int,
    memory_mb: float,
) -> Case:
    """Everything in the form that the compiled loops read."""
    tables = Tables(
        *(
            np.ascontiguousarray(values, dtype=np.float64)
            for values in (work.warm_ms, work.cold_ms, work.outside_ms)
        )
    )
    dearest = max(tables.warm.max(), tables.cold.max())
    risky = [i for i, bank in enumerate(banks) if bank.limit_ms < dearest]
    walked = [banks[i] for i in risky]
    free_mb = max(memory_mb - work.base_mb, 0.0)
    fits = free_mb / work.memory_mb + 1e-9 if work.memory_mb > 0 else math.inf
    return Case(
        demand=demand,
        known=replayed(demand, seed),
        work=work,
        isolates=isolates,
        tables=tables,
        banks=len(banks),
        risky=risky,
        columns=Columns(
            limit=np.array([bank.limit_ms for bank in walked], dtype=np.float64),
            cap=np.array([bank.cap_ms for bank in walked], dtype=np.float64),
            credit=np.array([bank.credit_ms for bank in walked], dtype=np.float64),
            lowest=min((float(bank.limit_ms) for bank in walked), default=math.inf),
        ),
        room=int(min(fits, 2.0**31)),
        seed=seed,
    )


def follow(case: Case, location: int, served: Callable[[Array], bool]) -> Seen:
    """Simulate one location; ``served`` gets the latencies of each block in ms and
    says whether to go on."""
    seen = case.empty()
    state = _serve.state(case.isolates.most, len(case.risky), case.followed)
    rules = case.rules(location)
    known = None if case.known is None else case.known[location]
    for block in blocks(case.demand, case.seed, location, known):
        _serve.serve(block, case.tables, rules, case.columns, state, seen)
        if not served(block):
            break
    return seen


def run(case: Case, threads: int, progress: Reporter | None) -> Outcome:
    """Simulate all locations and add up what they saw."""
    from bench.simulation import Outcome

    _compile(case)
    began = time.perf_counter()
    found = _together(case, threads, progress)
    killed = np.zeros((len(found), case.banks, case.hours), dtype=np.int64)
    killed[:, case.risky] = [seen.killed for seen in found]
    requests, cold = (
        np.array([getattr(seen, name) for seen in found])
        for name in ("requests", "cold")
    )
    latency, in_flight = _histograms(found)
    return Outcome(
        requests=int(requests.sum()),
        cold=int(cold.sum()),
        started=int(cold.sum()),
        killed=killed.sum(axis=(0, 2)),
        over_memory=sum(int(seen.over_memory[0]) for seen in found),
        latency=latency,
        in_flight=in_flight,
        hourly={
            "requests": requests.sum(axis=0),
            "cold": cold.sum(axis=0),
            "killed": killed.sum(axis=0),
        },
        batches=np.column_stack(
            [requests.sum(axis=1), cold.sum(axis=1), killed.sum(axis=2)]
        ),
        seconds=time.perf_counter() - began,
        peak_mib=peak_rss_bytes() / 2**20,
        threads=threads,
        seed=case.seed,
    )


def _compile(case: Case) -> None:
    """Compile, or load, the loops before the clock starts."""
    idle = np.empty(0)
    one = _serve.state(1, len(case.risky), 1)
    _serve.serve(idle, case.tables, case.rules(0), case.columns, one, case.empty())
    if case.known is None:
        next(blocks(case.demand, case.seed, 0, None, size=0), None)


def _together(case: Case, threads: int, progress: Reporter | None) -> list[Seen]:
    done = [0] * case.demand.locations
    stopped = Event()

    def simulate(location: int) -> Seen:
        def served(block: Array) -> bool:
            done[location] += block.size
            return not stopped.is_set()

        return follow(case, location, served)

    expected = case.demand.expected
    with ThreadPoolExecutor(threads) as pool:
        futures: list[Future[Seen]] = [
            pool.submit(simulate, location) for location in range(len(done))
        ]
        try:
            # Waiting in short pieces, so that Ctrl-C is seen at once.
            while wait(futures, _REFRESH_S, FIRST_EXCEPTION).not_done:
                if any(f.done() and f.exception() for f in futures):
                    break
                if progress is not None:
                    progress.step(
                        f"simulated {sum(done):,} of {expected:,.0f} requests"
                    )
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)
    return [future.result() for future in futures]


def _histograms(found: Sequence[Seen]) -> list[Histogram]:
    """Latency and requests in flight of all locations, summed in their order."""
    totals = sum((seen.total for seen in found), np.zeros(2))
    counts = (
        sum(getattr(seen, name) for seen in found) for name in ("latency", "in_flight")
    )
    return [
        Histogram(count, float(total))
        for count, total in zip(counts, totals, strict=True)
    ]
