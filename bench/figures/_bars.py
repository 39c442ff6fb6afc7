"""The bars of the budget figure as data, apart from how they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bench.figures._common import number

if TYPE_CHECKING:
    import pandas as pd


class Segment(NamedTuple):
    """One stage of a bar: its place in the path and its CPU in ms, I/O part apart."""

    number: int
    stage: str
    cpu: float
    io: float


class Bar(NamedTuple):
    """One invocation in one phase: its stages, floor and whole in ms of CPU."""

    label: str
    phase: str
    invocation: str
    segments: list[Segment]
    floor: float
    whole: float
    low: float | None
    high: float | None
    n: int
    requests: int

    @property
    def size(self) -> str:
        """How much was measured: process groups, and requests where known."""
        requests = f", {self.requests:,} requests" if self.requests else ""
        return f"n = {self.n:,} groups{requests}"

    @property
    def stacked(self) -> float:
        """Sum of the segments and the floor, in ms."""
        return sum(segment.cpu for segment in self.segments) + self.floor

    @property
    def length(self) -> float:
        """Where the bar or its whisker ends, in ms."""
        return max(self.stacked, self.whole, self.high or 0.0)


def bars(result: dict[str, Any]) -> list[Bar]:
    """One bar for each invocation, phase and runtime that has a measured stage."""
    rows = [row for row in result.get("rows") or [] if _cpu(row) is not None]
    wholes = {_key(row): row for row in result.get("invocations") or []}
    several = len({row.get("runtime") for row in rows}) > 1
    return [
        _bar(result, key, wholes.get(key, {}), several=several)
        for key in dict.fromkeys(map(_key, rows))
    ]


def _bar(
    result: dict[str, Any],
    key: tuple[str, str, str],
    whole: dict[str, Any],
    *,
    several: bool,
) -> Bar:
    runtime, phase, invocation = key
    # A stage's number is its place in the path, whether or not another one failed.
    path = [row for row in result["rows"] if _key(row) == key]
    segments = [
        Segment(
            place, str(row.get("stage")), cpu, min(number(row.get("io_ms")) or 0, cpu)
        )
        for place, row in enumerate(path, start=1)
        if (cpu := _cpu(row)) is not None
    ]
    floor = max(number(whole.get("floor_cpu_ms")) or 0.0, 0.0)
    total = number(whole.get("whole_cpu_ms"))
    if total is None:
        total = sum(segment.cpu for segment in segments) + floor
    return Bar(
        f"{invocation}\n{runtime}" if several else invocation,
        phase,
        invocation,
        segments,
        floor,
        total,
        number(whole.get("low")),
        number(whole.get("high")),
        int(number(whole.get("n")) or 0),
        max(int(number(row.get("requests")) or 0) for row in path),
    )


def _cpu(row: dict[str, Any]) -> float | None:
    """CPU in ms of a stage that was measured; noise below zero counts as zero."""
    cpu = number(row.get("cpu_ms"))
    return None if cpu is None or row.get("error") else max(cpu, 0.0)


def _key(row: dict[str, Any]) -> tuple[str, str, str]:
    return str(row.get("runtime")), str(row.get("phase")), str(row.get("invocation"))


def table(found: list[Bar]) -> pd.DataFrame:
    """One row a segment, then the floor and the whole, in ms of CPU."""
    import pandas as pd

    columns = ["bar", "phase", "segment", "number", "cpu_ms", "io_ms", "low", "high"]
    rows: list[tuple[object, ...]] = []
    for bar in found:
        head = (bar.label.replace("\n", " "), bar.phase)
        rows += [
            (*head, part.stage, part.number, part.cpu, part.io, None, None)
            for part in bar.segments
        ]
        rows.append((*head, "floor", None, bar.floor, None, None, None))
        rows.append((*head, "whole", None, bar.whole, None, bar.low, bar.high))
    return pd.DataFrame(rows, columns=columns)
