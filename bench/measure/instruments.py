"""One whole, several instruments: do they agree, and what else is known of an isolate?

    schedstat   CPU of the main thread around the request, less the floor
    bench       CPU of the same invocation inside workerd's own benchmark, without HTTP
    trace       time under the isolate lock, less that of a request with no stage

The first two measure the same and must agree. The third leaves out what the runtime
does outside the lock, so it lies below them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.measure.estimate import over_processes
from bench.measure.samples import ALONE, SENTINEL, STARTUP, WHOLE
from bench.measure.statistics import Interval

if TYPE_CHECKING:
    from pandas import DataFrame

Row = dict[str, Any]

# Beyond their intervals, and by more than this: instruments have costs of their own.
TOLERANCE = 0.10
_ISOLATE = {"script", "heap", "conversion", STARTUP}


def readings(whole: Row, apart: DataFrame, phase: DataFrame) -> list[Row]:
    """What each instrument says of one invocation, in ms, with ``doubt`` where it
    contradicts the first.

    ``whole`` is the invocation's total, ``apart`` its samples from outside the path,
    ``phase`` all samples of the phase, whose sentinels tell how the machine moved
    between one instrument and the next. Empty where there is only one.
    """
    others = {"bench": _bench(apart, phase), "trace": _trace(whole)}
    known = {name: interval for name, interval in others.items() if interval}
    if not known:
        return []
    first = Interval(
        whole["net_cpu_ms"], whole["net_low"], whole["net_high"], whole["n"]
    )
    rows = [_reading("schedstat", first, "")]
    for name, interval in known.items():
        rows.append(_reading(name, interval, _doubt(name, interval, first)))
    return rows


def _reading(name: str, interval: Interval, doubt: str) -> Row:
    return {
        "instrument": name,
        "cpu_ms": interval.value,
        "low": interval.low,
        "high": interval.high,
        "n": interval.n,
        "doubt": doubt,
    }


def _doubt(name: str, other: Interval, first: Interval) -> str:
    off = other.value / first.value - 1
    above, below = other.low > first.high, other.high < first.low
    contradicts = above if name == "trace" else above or below
    if not contradicts or abs(off) <= TOLERANCE:
        return ""
    return f"{name} says {off:+.0%} against schedstat, beyond both intervals"


def _bench(apart: DataFrame, phase: DataFrame) -> Interval | None:
    """The benchmark's whole, moved to the moment of the other by the sentinels."""
    found = over_processes(
        apart[(apart["stage"] == WHOLE) & (apart["variant"] == ALONE)]
    )
    if found is None:
        return None
    sentinel = phase[phase["stage"] == SENTINEL]
    cell = apart["cell"].iloc[0]
    beside = sentinel.loc[sentinel["cell"] == cell, "value"]
    before = sentinel.loc[sentinel["cell"] != cell, "value"]
    scale = 1.0
    if not beside.empty and not before.empty:
        scale = float(before.median()) / float(beside.median())
    return Interval(found.value * scale, found.low * scale, found.high * scale, found.n)


def _trace(whole: Row) -> Interval | None:
    if whole["locked_ms"] is None:
        return None
    ends = (whole[key] for key in ("locked_ms", "locked_low", "locked_high"))
    value, low, high = (end - whole["locked_floor_ms"] for end in ends)
    return Interval(value, low, high, whole["n"])


def isolate(runtime: str, samples: DataFrame) -> list[Row]:
    """Start-up, script size, heap and conversion: one row a number, with its unit and,
    over processes, its interval."""
    rows = []
    mine = samples[samples["stage"].isin(_ISOLATE)]
    keys = ["stage", "variant", "metric", "unit"]
    for (stage, variant, metric, unit), part in mine.groupby(keys, sort=False):
        found = over_processes(part)
        if found is None:
            continue
        alone = found.n < 2
        rows.append(
            {
                "runtime": runtime,
                "what": stage,
                "variant": variant,
                "metric": metric,
                "unit": unit,
                "value": found.value,
                "low": None if alone else found.low,
                "high": None if alone else found.high,
                "n": found.n,
            }
        )
    return rows
