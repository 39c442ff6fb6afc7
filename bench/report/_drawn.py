"""What the report reads from the data of figures: numbers that need the raw samples,
which a report does without."""

from __future__ import annotations

import csv
from pathlib import Path
from statistics import median

from bench.report._shape import signed_percent

# A sentinel that moves further than this share of itself is worth a sentence.
_STILL = 0.1
_MOVED = (
    " It moved by more than a tenth, so the machine was not still: other work or a "
    "changing clock is in these numbers, and in the width of their intervals."
)


def _rows(path: Path) -> list[dict[str, str]]:
    """Rows of the data of a figure; none where it was not drawn."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="replace", newline="") as lines:
        return list(csv.DictReader(lines))


def sentinel(path: Path) -> list[float]:
    """Sentinel readings in ms in run order, from the data of the run-order figure."""
    rows = [row for row in _rows(path) if row.get("stage") == "sentinel"]
    try:
        return [float(row["value"]) for row in rows]
    except (KeyError, TypeError, ValueError):
        return []


def sentinel_text(readings: list[float]) -> str:
    """How far the fixed workload moved during the run, in words."""
    if len(readings) < 6:
        return "The sentinel has too few readings to say whether the machine changed."
    third = len(readings) // 3
    first, last = median(readings[:third]), median(readings[-third:])
    ordered, middle = sorted(readings), median(readings)
    low, high = ordered[len(ordered) // 10], ordered[-1 - len(ordered) // 10]
    return (
        f"The sentinel, a fixed workload, took {middle:.3g} ms (median of "
        f"{len(readings):,}); the middle 80 % lie within "
        f"{signed_percent(low / middle - 1)} and {signed_percent(high / middle - 1)}, "
        f"and the last third differs from the first by "
        f"{signed_percent(last / first - 1)}."
        f"{_MOVED if max(middle - low, high - middle) > _STILL * middle else ''}"
    )
