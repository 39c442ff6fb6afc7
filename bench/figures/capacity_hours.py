"""Requests, cold ones and those that are ended, by hour of the day.

Each row has its own scale, from nothing to its busiest hour, and every cell its number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bench.figures._capacity import NOTHING, profiles
from bench.figures._common import INK, PALETTE, empty, lighter, number, styled
from bench.figures._contest import Row, cut, listed
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Capacity: requests, cold and ended by hour"
SOURCE = "capacity"
HOURS = 24
_DARK = 0.55  # of the scale; above it letters are white


class _Line(NamedTuple):
    """One row of the map: a name, and a value for each hour that has traffic."""

    name: str
    colour: str
    values: dict[int, float]
    share: bool


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """The map; the frame has a row an hour, with counts."""
    import pandas as pd

    rows = [row for row in listed(result, "hours") if _hour(row) is not None]
    data = pd.DataFrame(
        [
            {
                "hour": _hour(row),
                "requests": number(row.get("requests")),
                "cold": number(row.get("cold")),
                **{f"killed {name}": _killed(row, name) for name in profiles(result)},
            }
            for row in rows
        ]
    )
    with styled():
        lines = _lines(result, rows)
        if not any(line.values for line in lines):
            return empty(NOTHING), data
        utc = any(row.get("utc") is True for row in rows)
        return _figure(lines, utc), data


def _hour(row: Row) -> int | None:
    found = number(row.get("hour"))
    return int(found) if found is not None and 0 <= found < HOURS else None


def _killed(row: Row, profile: str) -> float | None:
    killed = row.get("killed")
    return number(killed.get(profile)) if isinstance(killed, dict) else None


def _lines(result: Row, rows: list[Row]) -> list[_Line]:
    """Requests, the share of cold ones, and the share ended on each profile that ends
    any; on the first one where none does."""
    had = {
        hour: (many, row)
        for row in rows
        if (hour := _hour(row)) is not None
        and (many := number(row.get("requests"))) is not None
        and many > 0
    }
    cold = {
        h: (number(row.get("cold")) or 0.0) / many for h, (many, row) in had.items()
    }
    found = [
        _Line("requests", PALETTE[0], {h: many for h, (many, _) in had.items()}, False),
        _Line("cold", PALETTE[1], cold, True),
    ]
    ended = [
        _Line(
            f"ended, {cut(name, 20)}",
            PALETTE[2],
            {h: (_killed(row, name) or 0.0) / many for h, (many, row) in had.items()},
            True,
        )
        for name in profiles(result)
    ]
    some = [line for line in ended if any(line.values.values())]
    return found + (some or ended[:1])


def _figure(lines: list[_Line], utc: bool) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 1.3 + 0.5 * len(lines)), label=_alt(lines, utc))
    axes = figure.subplots()
    for down, line in enumerate(lines):
        top = max(line.values.values(), default=0.0)
        for hour in range(HOURS):
            _cell(axes, hour, down, line, top)
    axes.set_xlim(-0.5, HOURS - 0.5)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xticks(range(HOURS))
    axes.set_yticks(range(len(lines)), [line.name for line in lines])
    axes.set_xlabel(
        "hour of the day, UTC" if utc else "hour since the start, days added up"
    )
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return figure


def _cell(axes: Axes, hour: int, down: int, line: _Line, top: float) -> None:
    from matplotlib.patches import Rectangle

    corner, value = (hour - 0.48, down - 0.46), line.values.get(hour)
    if value is None:
        look: dict[str, Any] = {"facecolor": "white", "edgecolor": "#dddddd"}
        axes.add_patch(Rectangle(corner, 0.96, 0.92, linewidth=0.6, **look))
        return
    part = min(max(value / top, 0.0), 1.0) if top > 0 else 0.0
    fill = lighter(line.colour, 0.95 - 0.95 * part)
    axes.add_patch(Rectangle(corner, 0.96, 0.92, facecolor=fill, linewidth=0))
    # Letters are told from the ground by its lightness, whatever its colour.
    bright = 0.299 * fill[0] + 0.587 * fill[1] + 0.114 * fill[2]
    axes.text(
        hour,
        down,
        _percent(value) if line.share else _count(value),
        ha="center",
        va="center",
        fontsize=7.5,
        color="white" if bright < _DARK else INK,
    )


def _count(value: float) -> str:
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.0f}"


def _percent(value: float) -> str:
    return f"{value * 100:.2g}%" if value else "0"


def _alt(lines: list[_Line], utc: bool) -> str:
    parts = []
    for line in lines:
        if not line.values:
            continue
        hour = max(line.values, key=lambda each: line.values[each])
        most = line.values[hour]
        said = _percent(most) if line.share else _count(most)
        parts.append(f"{line.name}: most in hour {hour}, {said}")
    return f"By hour{' of the day, UTC' if utc else ''}. {'; '.join(parts)}."
