"""Where re-ranking should happen: in the Worker, in a service, or in the index.

All three give exact scores. What counts is time under the isolate lock, which is what
Workers charges, or the CPU of the main thread where the lock is not traced. Waiting for
the network is not CPU, so it moves no point of this map; it is latency, and stands
beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

Row = dict[str, Any]

NETWORK_MS = (0, 5, 10, 25, 50)
"""One way and back between a Worker and the service, added and never slept: from the
same data centre to another continent's."""
BAND = 0.01
"""Share of the CPU limit below which a saving does not matter."""
_IN_PATH, _EXACT, _OFFLOAD = "in_path", "exact", "offload"


class Cost(NamedTuple):
    """Us that an option costs the Worker; its wall clock in ms without a network."""

    option: str
    value: float
    low: float
    high: float
    wall_ms: float


def break_even(options: Sequence[Row], cpu_ms: float) -> Iterator[Row]:
    """The cheapest option of each phase, k and dims against the next best one.

    Offloading is represented by the cheapest of its ways. ``matters`` where the saving
    is more than ``BAND`` of ``cpu_ms`` and its interval excludes zero.
    """
    for place in dict.fromkeys((r["phase"], r["k"], r["dims"]) for r in options):
        here = [cost for row in options if _is_at(row, place) and (cost := _cost(row))]
        ways = _ways(here)
        if len(ways) < 2:
            continue
        best, second, *_ = sorted(ways.values(), key=lambda cost: cost.value)
        saves, low, high = _difference(second, best)
        band = BAND * cpu_ms * 1000
        in_path, offload = ways.get(_IN_PATH), ways.get(_OFFLOAD)
        exact = ways.get(_EXACT)
        yield {
            **dict(zip(("phase", "k", "dims"), place, strict=True)),
            "choice": best.option,
            "runner_up": second.option,
            "saves_us": saves,
            "low": low,
            "high": high,
            "matters": low > 0 and saves > band,
            "in_path_us": in_path and in_path.value,
            "offload_us": offload and offload.value,
            "offload_way": offload and offload.option,
            "exact_us": exact and exact.value,
            "network_break_even_ms": (
                in_path.wall_ms - offload.wall_ms if in_path and offload else None
            ),
        }


def _is_at(row: Row, place: tuple[Any, ...]) -> bool:
    return (row["phase"], row["k"], row["dims"]) == place and not row["error"]


def _cost(row: Row) -> Cost | None:
    kind = "locked" if row.get("locked_us") is not None else "worker"
    value = row.get("locked_us" if kind == "locked" else "worker_cpu_us")
    if value is None:
        return None
    low, high = row.get(f"{kind}_low"), row.get(f"{kind}_high")
    return Cost(
        row["option"],
        value,
        -math.inf if low is None else low,
        math.inf if high is None else high,
        row.get("wall_ms") or row.get("round_trip_ms") or math.nan,
    )


def _ways(costs: Sequence[Cost]) -> dict[str, Cost]:
    """In path, exact, and the cheapest way to offload, as far as they were measured."""
    found = {cost.option: cost for cost in costs}
    ways = {name: found[name] for name in (_IN_PATH, _EXACT) if name in found}
    offloads = [cost for cost in costs if cost.option.startswith(_OFFLOAD)]
    if offloads:
        ways[_OFFLOAD] = min(offloads, key=lambda cost: cost.value)
    return ways


def _difference(more: Cost, less: Cost) -> tuple[float, float, float]:
    """``more`` - ``less`` with its interval: half widths of means add in squares."""
    value = more.value - less.value
    low = math.hypot(more.value - more.low, less.high - less.value)
    high = math.hypot(more.high - more.value, less.value - less.low)
    return value, value - low, value + high
