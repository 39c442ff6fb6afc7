"""The numbers of a sweep's cells, in the order of its file: a panel a host.

Cells of unlike hosts never share a panel, because the difference between two of them
would be that of the machines. Of many series those with the most cells are drawn.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from bench.figures._axes import plain_log
from bench.figures._common import PALETTE, empty, number, plain, styled
from bench.figures._contest import Row, cut, listed
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Numbers of every cell, by host"
SOURCE = "sweep"

_SERIES = 8
_HOSTS = 4
_MARKS = "osD^vPX*"
_LETTERS = 46  # of a series in the legend
# Above this many points an SVG of single marks is slow to open; they become pixels.
_RASTER = 400
_SPREAD = 30.0  # from which on a linear axis hides the small ones
_FIELDS = ["host", "series", "place", "cell", "value", "low", "high"]


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Each number with its interval over the place of its cell; the frame has a row a
    number that is drawn."""
    import pandas as pd

    points = _points(result)
    data = pd.DataFrame(points).reindex(columns=_FIELDS)
    with styled():
        if not points:
            text = "No cell of this sweep has a number that could be drawn."
            return empty(text), data
        return _figure(result, points), data


def _points(result: Row) -> list[Row]:
    every = [
        {name: point.get(name) for name in _FIELDS}
        | {"series": _readable(point.get("series")), "host": str(point.get("host"))}
        for point in listed(result, "points")
        if number(point.get("value")) is not None
        and number(point.get("place")) is not None
    ]
    most = _first(every, "series", _SERIES)
    hosts = _first(every, "host", _HOSTS)
    return [p for p in every if p["series"] in most and p["host"] in hosts]


def _first(points: list[Row], name: str, count: int) -> list[str]:
    """The most frequent values of ``name``; of equal ones those that come first."""
    return [value for value, _ in Counter(p[name] for p in points).most_common(count)]


def _readable(value: object) -> str:
    """A name without control characters, which have no glyph, and without TeX."""
    text = "".join(letter for letter in str(value or "") if letter.isprintable())
    return plain(text)


def _figure(result: Row, points: list[Row]) -> Figure:
    from matplotlib.figure import Figure

    hosts = list(dict.fromkeys(point["host"] for point in points))
    series = list(dict.fromkeys(point["series"] for point in points))
    height = 0.9 + 2.6 * len(hosts) + 0.22 * len(series)
    figure = Figure(figsize=(9, height), label=_alt(result, points, hosts))
    axes = figure.subplots(len(hosts), 1, squeeze=False, sharex=True)
    for panel, host in zip(axes.flat, hosts, strict=True):
        mine = [point for point in points if point["host"] == host]
        _panel(panel, mine, series)
        panel.set_ylabel(_named(result))
        panel.set_title(cut(_readable(host), _LETTERS), fontsize=9)
    axes.flat[-1].set_xlabel("cell, in the order of the file")
    handles, names = axes.flat[0].get_legend_handles_labels()
    if any(series):
        figure.legend(handles, names, loc="outside lower left", ncols=1, fontsize=8)
    return figure


def _panel(axes: Axes, points: list[Row], series: list[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    for place, name in enumerate(series):
        mine = [point for point in points if point["series"] == name]
        colour = PALETTE[place % len(PALETTE)]
        # Series of one cell would hide each other.
        aside = (place - (len(series) - 1) / 2) * 0.5 / _SERIES
        at = [float(point["place"]) + 1 + aside for point in mine]
        raster = len(points) > _RASTER
        axes.plot(
            at,
            [float(point["value"]) for point in mine],
            _MARKS[place % len(_MARKS)],
            color=colour,
            markersize=4.5,
            label=cut(name, _LETTERS),
            rasterized=raster,
        )
        ends = [
            (x, low, high)
            for x, point in zip(at, mine, strict=True)
            for low, high in [(number(point["low"]), number(point["high"]))]
            if low is not None and high is not None
        ]
        if ends:
            xs, lows, highs = zip(*ends, strict=True)
            axes.vlines(xs, lows, highs, colour, linewidth=1.2, rasterized=raster)
    values = [float(point["value"]) for point in points]
    if min(values, default=0) > 0 and max(values) > _SPREAD * min(values):
        axes.set_yscale("log")
        plain_log(axes.yaxis)
    elif min(values, default=0) >= 0:
        axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _named(result: Row) -> str:
    measure = cut(_readable(result.get("measure") or "value"), 24)
    unit = cut(_readable(result.get("unit") or ""), 32)
    words = measure.removesuffix("_ms").removesuffix("_us").replace("_", " ")
    words = {"cpu": "CPU"}.get(words, words)
    return f"{words} ({unit})" if unit and unit != words else words


def _alt(result: Row, points: list[Row], hosts: list[str]) -> str:
    """The figure in words: how many numbers, and their range on each host."""
    parts = []
    for host in hosts:
        values = [float(p["value"]) for p in points if p["host"] == host]
        parts.append(
            f"{host}: {len(values)} from {min(values):.4g} to {max(values):.4g}"
        )
    return f"Numbers of the cells of a sweep, {_named(result)}. {'; '.join(parts)}."
