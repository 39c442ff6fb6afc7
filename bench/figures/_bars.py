"""The bars of the budget figure as data, apart from how they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bench.figures._axes import Estimate
from bench.figures._common import number, runtimes_of, spoken

if TYPE_CHECKING:
    import pandas as pd


class Segment(NamedTuple):
    """One stage of a bar: its place in the path, its CPU and what of it is compute,
    in ms. Both may be slightly negative where they are differences."""

    number: int
    stage: str
    cpu: float
    compute: float

    @property
    def solid(self) -> float:
        """Length of the compute in the bar, which cannot be negative."""
        return max(self.compute, 0.0)


class Bar(NamedTuple):
    """One invocation in one phase: its stages, floor and whole in ms of CPU.

    ``charged`` is what Workers would charge of the whole, ``charged_floor`` of the
    floor: time under the isolate lock. None where that is not known.
    """

    label: str
    runtime: str
    phase: str
    invocation: str
    segments: list[Segment]
    floor: float
    charged_floor: float | None
    whole: Estimate
    charged: Estimate | None
    n: int
    requests: int

    @property
    def size(self) -> str:
        """How much was measured: process groups, and requests where known."""
        requests = f", {self.requests:,} requests" if self.requests else ""
        return f"n = {self.n:,} groups{requests}"

    @property
    def solid_floor(self) -> float:
        """The solid part of the floor in the bar."""
        floor = self.floor if self.charged_floor is None else self.charged_floor
        return max(floor, 0.0)

    @property
    def solid(self) -> float:
        """Where the solid part of the bar ends, in ms."""
        return sum(segment.solid for segment in self.segments) + self.solid_floor

    @property
    def around(self) -> float:
        """CPU around I/O in ms: what stages and floor cost beside their compute."""
        stacked = sum(segment.cpu for segment in self.segments) + self.floor
        return max(stacked - self.solid, 0.0)

    @property
    def length(self) -> float:
        """Where the bar or its whisker ends, in ms."""
        return max(self.solid + self.around, self.whole.value, self.whole.high or 0.0)

    @property
    def counted(self) -> float:
        """What is held against the limit, in ms."""
        return (self.charged or self.whole).value


def bars(result: dict[str, Any]) -> list[Bar]:
    """One bar for each invocation, phase and runtime that has a measured stage; those
    of runtimes that Workers uses come first."""
    rows = [row for row in result.get("rows") or [] if _cpu(row) is not None]
    wholes = {_key(row): row for row in result.get("invocations") or []}
    order = runtimes_of(result, (row.get("runtime") for row in rows))
    keys = sorted(dict.fromkeys(map(_key, rows)), key=lambda key: order.index(key[0]))
    return [_bar(result, key, wholes.get(key, {}), len(order) > 1) for key in keys]


def _bar(
    result: dict[str, Any],
    key: tuple[str, str, str],
    whole: dict[str, Any],
    several: bool,
) -> Bar:
    runtime, phase, invocation = key
    # A stage's number is its place in the path, whether or not another one failed.
    path = [row for row in result["rows"] if _key(row) == key]
    segments = [
        Segment(place, str(row.get("stage")), cpu, _compute(row, cpu))
        for place, row in enumerate(path, start=1)
        if (cpu := _cpu(row)) is not None
    ]
    floor = max(number(whole.get("floor_cpu_ms")) or 0.0, 0.0)
    total = _estimate(whole, "whole_cpu_ms", "low", "high")
    charged = _estimate(whole, "locked_ms", "locked_low", "locked_high")
    summed = sum(segment.cpu for segment in segments) + floor
    return Bar(
        f"{invocation}\n{spoken(runtime)}" if several else invocation,
        runtime,
        phase,
        invocation,
        segments,
        floor,
        None if charged is None else number(whole.get("locked_floor_ms")),
        total or Estimate(summed, None, None),
        charged,
        int(number(whole.get("n")) or 0),
        max(int(number(row.get("requests")) or 0) for row in path),
    )


def _estimate(row: dict[str, Any], key: str, low: str, high: str) -> Estimate | None:
    value = number(row.get(key))
    if value is None:
        return None
    return Estimate(value, number(row.get(low)), number(row.get(high)))


def _cpu(row: dict[str, Any]) -> float | None:
    """CPU in ms of a stage that was measured."""
    return None if row.get("error") else number(row.get("cpu_ms"))


def _compute(row: dict[str, Any], cpu: float) -> float:
    found = number(row.get("compute_ms"))
    return cpu - (number(row.get("io_ms")) or 0.0) if found is None else found


def _key(row: dict[str, Any]) -> tuple[str, str, str]:
    return str(row.get("runtime")), str(row.get("phase")), str(row.get("invocation"))


def table(found: list[Bar]) -> pd.DataFrame:
    """One row a segment, then floor, whole and what is charged, in ms of CPU.

    Negative differences stand here as they were measured.
    """
    import pandas as pd

    columns = ["bar", "runtime", "phase", "segment", "number", "cpu_ms", "compute_ms"]
    columns += ["low", "high"]
    rows: list[tuple[object, ...]] = []
    for bar in found:
        head = (bar.label.replace("\n", " "), bar.runtime, bar.phase)
        rows += [
            (*head, part.stage, part.number, part.cpu, part.compute, None, None)
            for part in bar.segments
        ]
        rows.append((*head, "floor", None, bar.floor, bar.charged_floor, None, None))
        whole, charged = bar.whole, bar.charged
        rows.append((*head, "whole", None, whole.value, None, *whole[1:]))
        if charged is not None:
            rows.append((*head, "under lock", None, None, charged.value, *charged[1:]))
    return pd.DataFrame(rows, columns=columns)
