"""Cells over many runs: a small panel a series, with its levels and where they begin.

Series whose level changed come first, then the longest. The runs stand at equal
distances in the order of time: days without a run are no part of the picture.
"""

from __future__ import annotations

import textwrap
from statistics import fmean
from typing import TYPE_CHECKING, Any

from bench.figures._common import INK, PALETTE, empty, milliseconds, number, styled
from bench.figures._contest import Row, listed
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "CPU of cells over runs, with changes of level"
SOURCE = "history"

_PANELS = 12
_COLUMNS = 2
# Above this many points an SVG of single marks is slow to open; they become pixels.
_RASTER = 400
_LETTERS = 58  # of a title in a panel
_COLOUR = PALETTE[0]
_CHANGED = PALETTE[2]
_FIELDS = [
    "cell",
    "host",
    "profile",
    "run",
    "created",
    "ms",
    "low",
    "high",
    "n",
    "level",
]


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """CPU in ms over the order of runs; the frame has a row a point that is drawn, with
    the number of its level."""
    import pandas as pd

    chosen = _chosen(listed(result, "series"))
    rows = [row for each in chosen for row in _points(each)]
    data = pd.DataFrame(rows).reindex(columns=_FIELDS)
    with styled():
        if not rows:
            text = "No series has a number: there is no history to show."
            return empty(text), data
        return _figure(chosen), data


def _chosen(series: list[Row]) -> list[Row]:
    known = [each for each in series if _points(each)]
    known.sort(
        key=lambda each: (
            not _starts(each),
            -len(_points(each)),
            -float(_points(each)[-1]["ms"]),
            str(each.get("cell")),
        )
    )
    return known[:_PANELS]


def _points(series: Row) -> list[Row]:
    """The runs that have a number, each with the number of its level."""
    starts = _starts(series)
    place = {name: series.get(name) for name in ("cell", "host", "profile")}
    return [
        place | point | {"level": sum(start <= index for start in starts)}
        for index, point in enumerate(listed(series, "points"))
        if number(point.get("ms")) is not None
    ]


def _starts(series: Row) -> list[int]:
    """The index of the first run of each level but the first."""
    found = [number(change.get("index")) for change in listed(series, "changes")]
    return sorted(int(index) for index in found if index is not None)


def _figure(chosen: list[Row]) -> Figure:
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, len(chosen))
    lines = -(-len(chosen) // columns)
    figure = Figure(figsize=(6.2 * columns, 0.8 + 2.0 * lines), label=_alt(chosen))
    axes = figure.subplots(lines, columns, squeeze=False)
    for panel, each in zip(axes.flat, chosen, strict=False):
        _draw(panel, each)
    for spare in axes.flat[len(chosen) :]:
        spare.set_axis_off()
    for lowest in axes.flat[max(len(chosen) - columns, 0) : len(chosen)]:
        lowest.set_xlabel("runs in the order of time")
    return figure


def _draw(axes: Axes, series: Row) -> None:
    points = _points(series)
    values = [float(point["ms"]) for point in points]
    ends = [
        (place, low, high)
        for place, point in enumerate(points)
        for low, high in [(number(point.get("low")), number(point.get("high")))]
        if low is not None and high is not None
    ]
    raster = len(points) > _RASTER
    if ends:
        at, lows, highs = zip(*ends, strict=True)
        axes.vlines(
            at, lows, highs, color=_COLOUR, linewidth=1, alpha=0.6, rasterized=raster
        )
    axes.plot(values, "o", color=_COLOUR, markersize=3.5, rasterized=raster)
    for level in dict.fromkeys(point["level"] for point in points):
        mine = [place for place, p in enumerate(points) if p["level"] == level]
        middle = fmean(values[place] for place in mine)
        axes.plot([mine[0] - 0.4, mine[-1] + 0.4], [middle] * 2, color=INK, linewidth=1)
        if level:
            axes.axvline(mine[0] - 0.5, color=_CHANGED, linestyle="--", linewidth=1)
    title = _readable(f"{series.get('cell')}, {series.get('host')}")
    axes.set_title("\n".join(textwrap.wrap(title, _LETTERS)[:2]), fontsize=8)
    axes.set_ylabel("CPU (ms)")
    axes.margins(x=0.03, y=0.15)
    _ticks(axes, points)


def _readable(text: str) -> str:
    """``text`` without control characters, which have no glyph."""
    return "".join(letter for letter in text if letter.isprintable())


def _ticks(axes: Axes, points: list[Row]) -> None:
    """The days of the first, the middle and the last run."""
    last = len(points) - 1
    places = sorted({0, last // 2, last}) if last > 3 else sorted({0, last})
    days = [str(points[place].get("created") or "")[:10] for place in places]
    axes.set_xticks(places, days)


def _alt(chosen: list[Row]) -> str:
    """The figure in words: the first and the last estimate of each series."""
    parts = []
    for each in chosen:
        points, changes = _points(each), listed(each, "changes")
        first, last = (milliseconds(float(points[end]["ms"])) for end in (0, -1))
        said = f"{each.get('cell')} from {first} to {last} ms in {len(points)} runs"
        parts.append(f"{said}, {len(changes)} changes")
    return f"CPU of cells over runs. {'; '.join(parts)}."
