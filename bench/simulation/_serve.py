"""Serving the requests of one location, one after the other, as machine code.

A request goes to the first isolate in order that has little CPU work waiting, else
starts another one, else goes to the one that is free first. There it waits for the
thread, first come first served, uses it, and then waits for what is outside; the thread
is not held meanwhile. The first request of an isolate is cold.

Banks change nothing of this path: each is a column that follows the same requests with
a credit of its own for every isolate. Where a column ends a request, the isolate is
fresh for that column alone: its next request there costs what a cold one does.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.simulation._compiled import compiled
from bench.simulation._heap import append, drop_until, replace_first
from bench.simulation._random import exponential, high, low, word
from bench.simulation.histogram import BINS, FIRST, SHIFT, Array, Counts

HOUR_MS = 3_600_000.0
_ONE = np.uint64(1)
_USED, _SERVED, _STARTED = 0, 1, 2

# One record, and not an array of each: all of an isolate is in one line of the cache.
ISOLATE = np.dtype(
    [
        ("free", np.float64),  # when the CPU work that it has is done, in ms
        ("ready", np.float64),  # when it has started
        ("until", np.float64),  # when its last request ends
        ("dies", np.float64),  # when it is ended even if it is in use
        ("flying", np.int64),  # requests in flight
        ("full", np.int64),  # whether every bank is at its cap
    ]
)


class Tables(NamedTuple):
    """Empirical samples in ms; each is drawn with equal probability."""

    warm: Array
    cold: Array
    outside: Array


class Rules(NamedTuple):
    """How isolates live, and the keys of what is drawn at this location."""

    draws: np.uint64
    lives: np.uint64
    start_ms: float
    backlog_ms: float
    idle_ms: float
    life_ms: float
    room: int  # requests that fit into the memory of an isolate


class Columns(NamedTuple):
    """Banks, (banks,) in ms, and the lowest limit of them."""

    limit: Array
    cap: Array
    credit: Array
    lowest: float


class State(NamedTuple):
    """Isolates of a location."""

    isolates: NDArray[np.void]  # (most,) of ISOLATE
    credit: Array  # (most, banks) in ms
    fresh: NDArray[np.bool_]  # (most, banks): the next request finds a new bank
    ends: Array  # heaps of the ends of requests in flight, (most * followed,)
    numbers: Counts  # isolates used so far, requests, isolates started


class Seen(NamedTuple):
    """What is counted."""

    latency: Counts
    in_flight: Counts
    total: Array  # (2,) sums of the values in both
    over_memory: Counts  # (1,)
    requests: Counts  # (hours,)
    cold: Counts  # (hours,)
    killed: Counts  # (banks, hours)


def state(most: int, banks: int, followed: int) -> State:
    """Room for ``most`` isolates, none of them started, with ``followed`` requests in
    flight in each."""
    isolates = np.zeros(most, dtype=ISOLATE)
    isolates["dies"] = -np.inf
    return State(
        isolates=isolates,
        credit=np.zeros((most, banks)),
        fresh=np.ones((most, banks), dtype=np.bool_),
        ends=np.empty(most * followed),
        numbers=np.zeros(3, dtype=np.int64),
    )


def seen(banks: int, hours: int) -> Seen:
    """Nothing counted yet."""
    sizes = (BINS, BINS, 1, hours, hours, (banks, hours))
    latency, in_flight, over, requests, cold, killed = (
        np.zeros(size, dtype=np.int64) for size in sizes
    )
    return Seen(latency, in_flight, np.zeros(2), over, requests, cold, killed)


@compiled
def serve(
    at_ms: Array,
    tables: Tables,
    rules: Rules,
    columns: Columns,
    state: State,
    seen: Seen,
) -> None:
    """Serve the arrivals ``at_ms``, which become the latencies of requests in ms."""
    # Out of their tuples once: each look into one counts references anew.
    isolates, ends = state.isolates, state.ends
    latency, in_flight, requests = seen.latency, seen.in_flight, seen.requests
    warm, cold, outside = tables.warm, tables.cold, tables.outside
    used, number = state.numbers[_USED], np.uint64(state.numbers[_SERVED])
    followed = ends.size // isolates.size
    banks = columns.limit.size
    waited, together, over = 0.0, 0.0, 0
    for index in range(at_ms.size):
        now = at_ms[index]
        hour = min(int(now / HOUR_MS), requests.size - 1)
        slot = _choose(isolates, used, now, rules.backlog_ms)
        used = max(used, slot + 1)
        isolate = isolates[slot]
        draw = word(rules.draws, number)
        number += _ONE
        idle = now - isolate["until"]
        if now >= isolate["dies"] or idle > rules.idle_ms:
            _begin(slot, now, rules, state)
            seen.cold[hour] += 1
            cost = cold[high(draw, cold.size)]
        else:
            cost = warm[high(draw, warm.size)]
        if banks and (not isolate["full"] or cost > columns.lowest):
            _walk(slot, hour, draw, tables, columns, state, seen)
        done = max(now, isolate["free"]) + cost
        end = done + outside[low(draw, outside.size)]
        isolate["free"] = done
        isolate["until"] = max(isolate["until"], end)
        flying = _follow(isolate, ends, slot * followed, followed, now, end)
        if flying > rules.room:
            over += 1
        at_ms[index] = end - now
        waited += end - now
        together += flying
        requests[hour] += 1
        latency[bin_of(end - now)] += 1
        in_flight[bin_of(float(flying))] += 1
    seen.total[0] += waited
    seen.total[1] += together
    seen.over_memory[0] += over
    state.numbers[_USED], state.numbers[_SERVED] = used, np.int64(number)


@compiled
def bin_of(value: float) -> int:
    """The bin of a value that is not negative."""
    found = int(np.float64(value).view(np.int64) >> SHIFT) - FIRST
    return min(max(found, 0), BINS - 1)


@compiled
def _choose(
    isolates: NDArray[np.void], used: int, now: float, backlog_ms: float
) -> int:
    for slot in range(used):
        # Its start is waiting, too, but no CPU work.
        if isolates[slot]["free"] - max(now, isolates[slot]["ready"]) <= backlog_ms:
            return slot
    if used < isolates.size:
        return used
    least = 0
    for slot in range(1, used):
        if isolates[slot]["free"] < isolates[least]["free"]:
            least = slot
    return least


@compiled
def _begin(slot: int, now: float, rules: Rules, state: State) -> None:
    """A new isolate, whose work and requests in flight are none."""
    started = np.uint64(state.numbers[_STARTED])
    state.numbers[_STARTED] += 1
    isolate = state.isolates[slot]
    isolate["ready"] = isolate["free"] = now + rules.start_ms
    isolate["until"] = now
    isolate["dies"] = now + exponential(rules.lives, started) * rules.life_ms
    isolate["flying"] = isolate["full"] = 0
    state.fresh[slot] = True


@compiled
def _walk(
    slot: int,
    hour: int,
    draw: np.uint64,
    tables: Tables,
    columns: Columns,
    state: State,
    seen: Seen,
) -> None:
    """The rule of `bench.verdict.bank`, for each bank."""
    warm = tables.warm[high(draw, tables.warm.size)]
    cold = tables.cold[high(draw, tables.cold.size)]
    full = 1
    for bank in range(columns.limit.size):
        if state.fresh[slot, bank]:
            left = columns.credit[bank] + (columns.limit[bank] - cold)
        else:
            left = state.credit[slot, bank] + (columns.limit[bank] - warm)
        ended = left < 0.0
        if ended:
            seen.killed[bank, hour] += 1
        left = min(left, columns.cap[bank])
        state.fresh[slot, bank] = ended
        state.credit[slot, bank] = left
        if left != columns.cap[bank]:
            full = 0
    state.isolates[slot]["full"] = full


@compiled
def _follow(
    isolate: Any, ends: Array, base: int, followed: int, now: float, end: float
) -> int:
    """Requests in flight with the one that ends at ``end``; at most ``followed``."""
    flying: int = drop_until(ends, base, isolate["flying"], now)
    if flying == followed:
        replace_first(ends, base, flying, end)
    else:
        append(ends, base, flying, end)
        flying += 1
    isolate["flying"] = flying
    return flying
