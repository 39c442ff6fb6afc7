"""How the share of requests that are ended, and the bill, grow with the traffic.

A line a profile, or one for all that have the same numbers. The band is what banks,
transfer factors and the sample leave open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._axes import plain_log
from bench.figures._capacity import (
    NOTHING,
    expected,
    look,
    positive,
    profiles,
    spoken,
    traffic_line,
)
from bench.figures._common import INK, empty, number, styled
from bench.figures._contest import Row, cut, listed
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Capacity: requests ended and cost by traffic"
SOURCE = "capacity"
_TOLERATED = 0.01
_LEAST_TOP = 0.03  # of the share, so that the tolerated one can be seen
_COLUMNS = [
    "profile", "rate", "killed_share", "low", "high", "cold_share", "cost_usd", "n",
]  # fmt: skip


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Two panels over requests a second; the frame has a row a profile and rate."""
    import pandas as pd

    rows = [row for row in listed(result, "curve") if positive(row, "rate")]
    data = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    with styled():
        if not rows:
            return empty(NOTHING), data
        return _figure(result, rows), data


def _figure(result: Row, rows: list[Row]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 6.8), label=_alt(result, rows))
    shares, costs = figure.subplots(2, 1, sharex=True)
    names = [name for name in profiles(result) if _of(rows, name)]
    names = names or list(dict.fromkeys(str(row.get("profile")) for row in rows))
    top = 0.0
    for alike in _alike(rows, names):
        place, mine = names.index(alike[0]), _of(rows, alike[0])
        label = ", ".join(cut(name, 30) for name in alike)
        top = max(top, _share(shares, place, label, mine))
        _cost(costs, place, mine)
    shares.set_xscale("log")
    shares.axhline(_TOLERATED, color=INK, linewidth=0.9, linestyle=":")
    shares.annotate(
        "1 % tolerated",
        (0, _TOLERATED),
        xycoords=("axes fraction", "data"),
        xytext=(4, 2),
        textcoords="offset points",
        fontsize=8,
    )
    highest = min(max(1.08 * top, _LEAST_TOP), 1.02)
    shares.set_ylim(-0.02 * highest, highest)
    shares.yaxis.set_major_formatter(lambda value, _: f"{value * 100:.3g} %")
    shares.set_ylabel("requests ended by the CPU limit")
    costs.set_yscale("log")
    costs.set_ylabel("Workers and services behind\n(dollars a month)")
    costs.set_xlabel("requests a second, all locations together")
    traffic_line(shares, result)
    rate = expected(result)
    if rate is not None:
        costs.axvline(rate, color=INK, linewidth=1.4, zorder=5)
    figure.draw_without_rendering()
    for axis in (costs.xaxis, costs.yaxis):
        plain_log(axis)
    costs.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    handles, labels = shares.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=min(len(labels), 3),
        title="band: banks, transfer factors and the sample; free ends where a day's "
        "requests are used up",
        title_fontsize=8.5,
    )
    return figure


def _alike(rows: list[Row], names: list[str]) -> list[list[str]]:
    """Profiles with the same numbers share a line."""
    keys = ("rate", "killed_share", "low", "high", "cost_usd")
    groups: dict[str, list[str]] = {}
    for name in names:
        numbers = str([[row.get(key) for key in keys] for row in _of(rows, name)])
        groups.setdefault(numbers, []).append(name)
    return list(groups.values())


def _of(rows: list[Row], name: str) -> list[Row]:
    return [row for row in rows if str(row.get("profile")) == name]


def _share(axes: Axes, place: int, label: str, rows: list[Row]) -> float:
    """A line and its band; returns the highest share drawn."""
    points = [
        (rate, share, _share_of(row, "low"), _share_of(row, "high"))
        for row in rows
        if (rate := positive(row, "rate")) is not None
        and (share := _share_of(row, "killed_share")) is not None
    ]
    points.sort(key=lambda point: point[0])
    if not points:
        return 0.0
    style = look(place)
    rates = [point[0] for point in points]
    axes.plot(rates, [point[1] for point in points], label=label, **style)
    lows = [point[1] if point[2] is None else point[2] for point in points]
    highs = [point[1] if point[3] is None else point[3] for point in points]
    axes.fill_between(rates, lows, highs, color=style["color"], alpha=0.16, linewidth=0)
    return max(*highs, *(point[1] for point in points))


def _share_of(row: Row, key: str) -> float | None:
    found = number(row.get(key))
    return found if found is not None and 0 <= found <= 1 else None


def _cost(axes: Axes, place: int, rows: list[Row]) -> None:
    points = sorted(
        (rate, dollars)
        for row in rows
        if (rate := positive(row, "rate")) is not None
        and (dollars := positive(row, "cost_usd")) is not None
    )
    if points:
        axes.plot(*zip(*points, strict=True), **look(place))


def _alt(result: Row, rows: list[Row]) -> str:
    rate = expected(result)
    parts = []
    for name in dict.fromkeys(str(row.get("profile")) for row in rows):
        over = [
            found
            for row in _of(rows, name)
            if (number(row.get("killed_share")) or 0.0) > _TOLERATED
            and (found := positive(row, "rate")) is not None
        ]
        where = f"from {spoken(min(over))} a second" if over else "at no rate"
        parts.append(f"{name}: more than 1 % ended {where}")
    known = "" if rate is None else f" Expected are {spoken(rate)} a second."
    return (
        "Share of requests ended by the CPU limit, and the monthly cost, by requests a "
        f"second. {'; '.join(parts)}.{known}"
    )
