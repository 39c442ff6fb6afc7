"""Where Workers and another place cost the same as traffic grows.

Two kinds of other place: a platform that runs the whole request, and an engine on
machines of its own behind the same Worker, which then does without the service that the
engine replaces. The machines are as many as a level of service takes at that traffic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from bench.platform import tables
from bench.verdict import _capacity_cost
from bench.verdict._capacity_assumed import Assumed
from bench.verdict._capacity_cost import MONTH_S, Request
from bench.verdict._capacity_engines import Engine
from bench.verdict._capacity_external import drawn
from bench.verdict._capacity_search import RATES
from bench.verdict._capacity_used import Used

LEVEL = 0.99
"""The level that costs are compared at."""
MACHINE = "fly.performance"
"""The machine that an engine is taken to run on: one dedicated core with 2 GB."""
MACHINE_GB = 2.0
MEMORY = "fly.memory"
"""What it costs to give a machine more, for each holds all vectors."""
_HALVINGS = 8  # of a factor of 3.2: to half a percent
_REQUESTS = 20_000
Row = dict[str, Any]


def rows(
    used: Used, one: Request, gateways: Sequence[float | None], assumed: Assumed,
    rate: float, seed: int,
) -> list[Row]:  # fmt: skip
    """``break_even`` of the document: where Workers and another place cost the same.

    ``gateways`` are CPU ms in production of the Worker before each engine, None where
    it was not measured and the whole request's stands for it.
    """
    found = [
        crossing(
            name,
            "the whole request",
            partial(_bill, _capacity_cost.WORKERS, one, assumed),
            partial(_bill, name, one, assumed),
            rate,
        )
        for name in _capacity_cost.ELSEWHERE
    ]
    for engine, cpu_ms in zip(used.engines, gateways, strict=True):
        behind = Request(
            one.cpu_ms if cpu_ms is None else cpu_ms,
            one.outside_ms,
            *({k: v for k, v in part.items() if not _replaced(engine, k)}
              for part in (one.meters, one.stored)),
        )  # fmt: skip
        found.append(
            crossing(
                engine.name,
                f"{engine.what}, on {MACHINE} with {_machine_gb(engine):.3g} GB",
                partial(_native, one, assumed),
                partial(_behind, behind, engine, assumed, seed),
                rate,
            )
        )
    return found


def _replaced(engine: Engine, meter: str) -> bool:
    """Whether the engine does what a meter of Workers is charged for."""
    return meter.startswith("d1." if "conversation" in engine.what else "vectorize.")


def _bill(platform: str, one: Request, assumed: Assumed, rate: float) -> float | None:
    return _capacity_cost.total(platform, rate * MONTH_S, one, assumed)


def _native(one: Request, assumed: Assumed, rate: float) -> float:
    return _capacity_cost.native(rate * MONTH_S, one, assumed)


def _behind(
    one: Request, engine: Engine, assumed: Assumed, seed: int, rate: float
) -> float | None:
    within = assumed.stretch * float(engine.service_ms.mean())
    if float(np.mean(engine.service_ms <= within)) <= LEVEL:
        return None
    found = drawn(rate, engine.service_ms, within, LEVEL, seed, requests=_REQUESTS)
    if found is None:
        return None
    return _native(one, assumed, rate) + found.number * machine_usd(engine)


def machine_usd(engine: Engine) -> float:
    """Dollars a month of one machine that holds all that the engine does."""
    more_gb = _machine_gb(engine) - MACHINE_GB
    own, memory = (tables.strict(f"{name}.price").value for name in (MACHINE, MEMORY))
    return own + more_gb * memory


def _machine_gb(engine: Engine) -> float:
    return max(engine.memory_gb, MACHINE_GB)


def crossing(
    option: str,
    what: str,
    native: Callable[[float], float | None],
    other: Callable[[float], float | None],
    rate: float,
) -> Row:
    """The lowest rate at which the cheaper of two changes."""

    def gap(at: float) -> float | None:
        mine, theirs = native(at), other(at)
        return None if mine is None or theirs is None else theirs - mine

    known = [(at, dear) for at in RATES if (dear := gap(at)) is not None]
    crosses = None
    for (low, before), (high, after) in pairwise(known):
        if (before > 0) != (after > 0):
            crosses = _halve(gap, low, high, before > 0)
            break
    cheaper = "" if not known else "native" if known[0][1] > 0 else option
    return {
        "option": option,
        "what": what,
        "rate": crosses,
        "cheaper_below": cheaper if crosses is not None else None,
        "cheaper_always": cheaper if crosses is None else None,
        "native_usd": native(rate),
        "option_usd": other(rate),
        "known_up_to": known[-1][0] if known else None,
        "usd_at": None if crosses is None else native(crosses),
    }


def _halve(
    gap: Callable[[float], float | None], low: float, high: float, native: bool
) -> float:
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        dear = gap(middle)
        if dear is not None and (dear > 0) == native:
            low = middle
        else:
            high = middle
    return high
