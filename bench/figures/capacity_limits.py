"""At which rate each limit of one profile binds, beside the expected traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._axes import Estimate, log_interval, plain_log
from bench.figures._capacity import (
    NOTHING,
    expected,
    positive,
    profiles,
    spoken,
    traffic_line,
)
from bench.figures._common import INK, PALETTE, empty, number, styled
from bench.figures._contest import WRONG, Row, cut, listed
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Capacity: at which rate each limit binds"
SOURCE = "capacity"
_STATES = ("any rate", "at", "fills", "never", "unknown")
_PLACED = ("at", "fills")
_SAID = {
    "any rate": "breaks at any rate",
    "never": "never breaks",
    "unknown": "unknown: the run has no meters",
}
_COLUMNS = [
    "profile", "limit", "item", "state", "uses", "unit", "rate_at", "low", "high",
    "days", "times", "source",
]  # fmt: skip


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """The limits of the profile that is asked for, or of the first; the frame has those
    of all."""
    import pandas as pd

    rows = listed(result, "limits")
    data = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    known = [str(row.get("profile")) for row in rows]
    chosen = limits.name if limits.name in known else next(iter(known), "")
    if chosen != limits.name and profiles(result):
        chosen = next((name for name in profiles(result) if name in known), chosen)
    mine = sorted((row for row in rows if str(row.get("profile")) == chosen), key=_key)
    with styled():
        if not mine:
            return empty(NOTHING), data
        return _figure(result, chosen, mine), data


def _key(row: Row) -> tuple[int, float]:
    state = str(row.get("state"))
    place = _STATES.index(state) if state in _STATES else len(_STATES)
    return place, positive(row, "rate_at") or 0.0


def _figure(result: Row, profile: str, rows: list[Row]) -> Figure:
    from matplotlib.figure import Figure

    size = (9.5, 1.5 + 0.36 * len(rows))
    figure = Figure(figsize=size, label=_alt(result, profile, rows))
    axes = figure.subplots()
    axes.set_xscale("log")
    left, right = _span(result, rows)
    axes.set_xlim(left, right)
    for place, row in enumerate(rows):
        _row(axes, place, row, left, right)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks(range(len(rows)), [cut(str(row.get("item")), 40) for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("requests a second at which it binds, all locations together")
    axes.set_title(f"limits of {cut(profile, 40)}", pad=17)
    traffic_line(axes, result)
    figure.draw_without_rendering()
    plain_log(axes.xaxis)
    return figure


def _span(result: Row, rows: list[Row]) -> tuple[float, float]:
    """Ends of the axis: all rates and their ends, and the expected one."""
    found = [
        value
        for row in rows
        for key in ("rate_at", "low", "high")
        if str(row.get("state")) in _PLACED
        and (value := positive(row, key)) is not None
    ]
    rate = expected(result)
    found += [] if rate is None else [rate]
    found = [min(max(value, 1e-9), 1e12) for value in found] or [1.0]
    return min(found) / 3, max(found) * 3


def _row(axes: Axes, place: int, row: Row, left: float, right: float) -> None:
    state, rate = str(row.get("state")), positive(row, "rate_at")
    if state not in _PLACED or rate is None:
        wrong = state == "any rate"
        axes.text(
            0.012,
            place,
            _words(row),
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=8.5,
            fontweight="bold" if wrong else "normal",
            fontstyle="normal" if wrong else "italic",
            color=WRONG if wrong else "#666666",
        )
        return
    low, high = number(row.get("low")), positive(row, "high")
    low = None if low is None else max(low, 0.0)
    style: Any = {"color": PALETTE[10], "marker": "o", "markersize": 5.5}
    said = spoken(rate)
    if state == "fills":
        style |= {"marker": "s", "markerfacecolor": "white"}
        days = positive(row, "days")
        said += "" if days is None else f", full in {spoken(days)} days as expected"
    rate = min(max(rate, left), right)
    if low is not None and high is None:
        # Open to the right: the mildest world never binds.
        axes.plot([max(low, left), right], [place] * 2, "-", color=PALETTE[10])
        axes.plot([right], [place], ">", color=PALETTE[10], clip_on=False)
        low = None
    found = Estimate(rate, low, None if high is None else min(high, right))
    log_interval(axes, found, place, left, **style)
    axes.annotate(
        said,
        (rate, place),
        xytext=(0, 5),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=7.5,
        color=INK,
    )


def _words(row: Row) -> str:
    """Why a limit has no place on the axis."""
    state, low = str(row.get("state")), positive(row, "low")
    said = _SAID.get(state, cut(state, 30))
    if state == "never" and low is not None:
        said += f"; with the strictest guesses from {spoken(low)}"
    return said


def _alt(result: Row, profile: str, rows: list[Row]) -> str:
    rate = expected(result)
    parts = []
    for row in rows:
        at, state = positive(row, "rate_at"), str(row.get("state"))
        said = f"{spoken(at)} a second" if at is not None else _SAID.get(state, state)
        parts.append(f"{row.get('item')}: {said}")
    known = "" if rate is None else f" Expected are {spoken(rate)} a second."
    return f"Where the limits of {profile} bind. {'; '.join(parts)}.{known}"
