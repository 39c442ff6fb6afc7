"""One whole, several instruments: do they agree, and what else is known of an isolate?

    schedstat   CPU of the main thread around the request, less the floor
    bench       CPU of the same invocation inside workerd's own benchmark, without HTTP
    trace       time under the isolate lock, less that of a request with no stage

The trace leaves out what the runtime does outside the lock, so it lies below the
others. The benchmark leaves out writing the answer to a client, which is nothing for a
short one and many small writes for a stream; so it lies between the two. Where two
differ beyond their intervals the reading says so; where one lies where it cannot, that
is a doubt about the numbers.
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
    """What each instrument says of one invocation, in ms, with ``differs`` where it is
    beyond the interval of the first, and ``doubt`` where it cannot be.

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
    trace = known.get("trace")
    rows = [_reading("schedstat", first, "", doubt=False)]
    for name, interval in known.items():
        differs = _differs(name, interval, first)
        doubt = _doubt(interval, first, trace)
        rows.append(_reading(name, interval, differs, doubt=doubt))
    return rows


def _reading(name: str, interval: Interval, differs: str, *, doubt: bool) -> Row:
    return {
        "instrument": name,
        "cpu_ms": interval.value,
        "low": interval.low,
        "high": interval.high,
        "n": interval.n,
        "differs": differs,
        "doubt": f"{differs}, where it cannot be" if doubt else "",
    }


def _differs(name: str, other: Interval, first: Interval) -> str:
    apart = other.low > first.high or other.high < first.low
    if not apart:
        return ""
    off = other.value / first.value - 1
    return f"{name} says {off:+.0%} against schedstat, beyond both intervals"


def _doubt(other: Interval, first: Interval, trace: Interval | None) -> bool:
    """Above all that the thread did, or below what it did under the lock."""
    off = abs(other.value / first.value - 1)
    above = other.low > first.high
    below = trace is not None and other.high < trace.low
    return off > TOLERANCE and (above or below)


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
