"""The simulation a second time, in SimPy: processes, resources and objects.

Plain instead of fast, and apart: it shares with `bench.simulation._serve` only what is
drawn, which is arrivals, the samples that a request takes, and lives of isolates.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import simpy

from bench.simulation._arrivals import blocks
from bench.simulation._random import exponential, high, low, word
from bench.simulation._serve import Rules, bin_of
from bench.simulation.histogram import BINS, Array

if TYPE_CHECKING:
    from bench.simulation import Isolates
    from bench.simulation._run import Case
    from bench.verdict.bank import Bank

Process = Generator[Any, Any, None]


@dataclass(slots=True)
class Column:
    """One bank of one isolate."""

    bank: Bank
    left: float = 0.0
    fresh: bool = True

    def kills(self, warm: float, cold: float) -> bool:
        """Spend what a request costs here; whether that ends it."""
        if self.fresh:
            self.left = self.bank.credit_ms
        self.left += self.bank.limit_ms - (cold if self.fresh else warm)
        self.fresh = self.left < 0.0
        self.left = min(self.left, self.bank.cap_ms)
        return self.fresh


@dataclass(slots=True)
class Isolate:
    """One isolate: its thread is a resource of one place. Times in ms."""

    thread: simpy.Resource
    columns: list[Column]
    ready: float
    dies: float
    queued: int = 0
    waiting: float = 0.0  # CPU work of those that are queued, in ms
    busy_until: float = 0.0
    idle_since: float = math.inf
    flying: int = 0

    def work(self, now: float) -> float:
        """CPU work in ms that a request would wait for."""
        return self.waiting + max(self.busy_until - now, 0.0)

    def free(self, now: float) -> float:
        """When all of it is done, and its start before it."""
        return max(now, self.ready) + self.work(now)

    def is_gone(self, now: float, idle_ms: float) -> bool:
        """Whether it was ended, or evicted because nothing came."""
        return now >= self.dies or now - self.idle_since > idle_ms


@dataclass(slots=True)
class Place:
    """One location."""

    rules: Rules
    isolates: list[Isolate] = field(default_factory=list)
    started: int = 0
    latencies: dict[int, float] = field(default_factory=dict)

    def in_order(self) -> Array:
        """Latencies of all requests in ms, by arrival."""
        return np.array([self.latencies[i] for i in range(len(self.latencies))])


class Drawn(NamedTuple):
    """What one request takes, in ms."""

    warm: float
    cold: float
    outside: float


class Model:
    """The processes of one simulation, and what is counted in it."""

    def __init__(self, case: Case, banks: Sequence[Bank]) -> None:
        self.case = case
        self.banks = banks
        self.env = simpy.Environment()
        self.places = [Place(case.rules(i)) for i in range(case.demand.locations)]
        self.killed = [0] * len(banks)
        self.in_flight = np.zeros(BINS, dtype=np.int64)
        self.cold = self.over_memory = 0
        for number in range(len(self.places)):
            self.env.process(self.arrive(number))
        self.env.run()

    def arrive(self, number: int) -> Process:
        """Requests of one location."""
        case, place = self.case, self.places[number]
        known = None if case.known is None else case.known[number]
        served = 0
        for block in blocks(case.demand, case.seed, number, known):
            for at_ms in block.tolist():
                yield self.env.timeout(max(at_ms - self.env.now, 0.0))
                bits = np.uint64(word(place.rules.draws, np.uint64(served)))
                self.take(place, served, self.drawn(bits))
                served += 1

    def drawn(self, bits: np.uint64) -> Drawn:
        warm, cold, outside = self.case.tables
        return Drawn(
            float(warm[high(bits, warm.size)]),
            float(cold[high(bits, cold.size)]),
            float(outside[low(bits, outside.size)]),
        )

    def take(self, place: Place, number: int, drawn: Drawn) -> None:
        """One isolate takes the request, which queues for its thread at once."""
        slot = choose(place.isolates, self.env.now, self.case.isolates)
        if slot == len(place.isolates):
            place.isolates.append(self.begin(place))
            cold = True
        elif cold := place.isolates[slot].is_gone(self.env.now, place.rules.idle_ms):
            place.isolates[slot] = self.begin(place)
        isolate = place.isolates[slot]
        cost = drawn.cold if cold else drawn.warm
        isolate.flying += 1
        isolate.idle_since = math.inf
        isolate.queued += 1
        isolate.waiting += cost
        self.cold += cold
        self.over_memory += isolate.flying > self.case.room
        self.in_flight[bin_of(float(min(isolate.flying, self.case.followed)))] += 1
        turn = isolate.thread.request()
        self.env.process(self.serve(place, number, isolate, turn, drawn, cost))

    def begin(self, place: Place) -> Isolate:
        """A new isolate, whose start holds its thread."""
        life = exponential(place.rules.lives, np.uint64(place.started))
        place.started += 1
        thread = simpy.Resource(self.env, capacity=1)
        columns = [Column(bank) for bank in self.banks]
        self.env.process(self.start(thread, thread.request()))
        return Isolate(
            thread,
            columns,
            ready=self.env.now + self.case.work.start_ms,
            dies=self.env.now + life * place.rules.life_ms,
        )

    def start(self, thread: simpy.Resource, turn: Any) -> Process:
        yield turn
        yield self.env.timeout(self.case.work.start_ms)
        thread.release(turn)

    def serve(
        self,
        place: Place,
        number: int,
        isolate: Isolate,
        turn: Any,
        drawn: Drawn,
        cost: float,
    ) -> Process:
        """One request: its turn on the thread, its CPU, and what is outside."""
        arrived = self.env.now
        yield turn
        isolate.queued -= 1
        isolate.waiting = isolate.waiting - cost if isolate.queued else 0.0
        isolate.busy_until = self.env.now + cost
        for bank, column in enumerate(isolate.columns):
            self.killed[bank] += column.kills(drawn.warm, drawn.cold)
        yield self.env.timeout(cost)
        isolate.thread.release(turn)
        yield self.env.timeout(drawn.outside)
        place.latencies[number] = self.env.now - arrived
        isolate.flying -= 1
        if not isolate.flying:
            isolate.idle_since = self.env.now


def choose(isolates: Sequence[Isolate], now: float, rules: Isolates) -> int:
    """Number of the isolate that takes a request; their number for another one."""
    for number, isolate in enumerate(isolates):
        if isolate.work(now) <= rules.backlog_ms:
            return number
    if len(isolates) < rules.most:
        return len(isolates)
    return min(range(len(isolates)), key=lambda number: isolates[number].free(now))
