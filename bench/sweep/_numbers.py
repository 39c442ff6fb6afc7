"""The numbers of a sweep that a page and a figure show, out of all in its table.

Verbs have rows of many shapes. The number of a row is the one that its verb is about,
and what it is a number of is said by its texts; only numbers of one measure and one
unit are set beside each other, and none that is the same in every cell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.figures._common import number
from bench.sweep import table
from bench.sweep._cell import OK

Row = dict[str, Any]

# In this order, because a row may hold several.
_MEASURES = (
    "cpu_ms", "cpu_us", "measured", "value", "ratio", "margin_ms", "factor", "bytes",
    "power_2pct",
)  # fmt: skip
_UNITS = {"cpu_ms": "ms", "cpu_us": "\N{MICRO SIGN}s", "margin_ms": "ms"}
_SIZES = ("k", "dims")  # numbers that tell rows apart
# Texts that were found, and do not say of what.
_FOUND = {
    "error", "verdict", "why", "unit", "version", "sha256", "document", "doubts",
    "driver", "choice",
}  # fmt: skip


def found(records: Iterable[Row], folder: Path) -> Row:
    """``{measure, unit, points}``: the measure of most rows of the cells that are ok.

    A point is ``{cell, place, host, series, value, low, high}``, where the ends of an
    interval may be None. Without any number the measure is blank.
    """
    cells = [
        (record, table.rows(record, folder))
        for record in records
        if record["status"] == OK
    ]
    measure = _measure(row for _, rows in cells for row in rows)
    points = [
        _point(record, row, measure)
        for record, rows in cells
        for row in rows
        if number(row.get(measure)) is not None
    ]
    points = _varying(points)
    counted = Counter(point["unit"] for point in points)
    unit = counted.most_common(1)[0][0] if counted else ""
    return {
        "measure": measure,
        "unit": unit,
        "points": [
            {name: value for name, value in point.items() if name != "unit"}
            for point in points
            if point["unit"] == unit
        ],
    }


def _measure(rows: Iterable[Row]) -> str:
    held = {
        name for row in rows for name in _MEASURES if number(row.get(name)) is not None
    }
    return next((name for name in _MEASURES if name in held), "")


def _varying(points: list[Row]) -> list[Row]:
    """Points of the series in which cells differ; all where they differ in none."""
    values: dict[tuple[str, str], set[float]] = {}
    for point in points:
        values.setdefault((point["series"], point["unit"]), set()).add(point["value"])
    differ = [p for p in points if len(values[p["series"], p["unit"]]) > 1]
    return differ or points


def _point(record: Row, row: Row, measure: str) -> Row:
    return {
        "cell": record["key"],
        "place": record["place"],
        "host": record["host"],
        "series": _series(row),
        "value": number(row[measure]),
        "low": number(row.get("low")),
        "high": number(row.get("high")),
        "unit": str(row.get("unit") or _UNITS.get(measure, "")),
    }


def _series(row: Row) -> str:
    """What a row is a number of."""
    texts = [
        value
        for name, value in row.items()
        if name not in _FOUND and isinstance(value, str) and value
    ]
    sizes = [f"{name} {row[name]}" for name in _SIZES if row.get(name) is not None]
    return " ".join([*texts, *sizes])
