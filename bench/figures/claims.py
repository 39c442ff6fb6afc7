"""What was found, as a multiple of what the article says, for every claim with numbers.

A dot is measured over claimed with its 95 % interval; the band behind it is what a
range of the transfer factor makes of a time. Where the band or the dot reaches the line
at 1, the number comes true. Verdicts are groups, each with its own marker and fill.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bench.figures._axes import Estimate, beside, log_interval, plain_log
from bench.figures._common import INK, PALETTE, empty, lighter, number, styled
from bench.figures._contest import Row, listed
from bench.platform import LimitProfile
from bench.verdict.claims import NOT_REPRODUCED, OUTDATED, REPRODUCED
from bench.verdict.claims._judge import ASSUMED, Found, measured, reach
from bench.verdict.claims._text import article, ours

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "The article's numbers against ours"
SOURCE = "claims"

_GROUPS = (NOT_REPRODUCED, OUTDATED, REPRODUCED)
# Fill and shape; dark, open and pale are told apart in grey.
_MARKS: dict[str, Row] = {
    NOT_REPRODUCED: {"color": PALETTE[13], "marker": "X", "markersize": 7},
    OUTDATED: {"color": INK, "marker": "D", "markerfacecolor": "white"},
    REPRODUCED: {"color": PALETTE[0], "marker": "o", "markersize": 6},
}
_BAND = "#dfe3e8"
_COLUMNS = [
    "id", "verdict", "basis", "unit", "article", "article_to", "bound", "stated",
    "measured", "low", "high", "ratio", "ratio_low", "ratio_high", "reach_low",
    "reach_high",
]  # fmt: skip
Factors = tuple[float, float]
_ROW, _HEAD = 0.23, 1.1  # inches a row; rows that a heading takes
_LETTERS = 44  # of a number beside the axes


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Ratios on a log axis; the frame has a row a claim that has one."""
    import pandas as pd

    transfer = _factors(result)
    rows = [
        row | found
        for row in listed(result, "rows")
        if row.get("verdict") in _GROUPS and (found := _ratio(row, transfer))
    ]
    data = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    with styled():
        if not rows:
            text = "No claim has a number on both sides: there is nothing to compare."
            return empty(text), data
        return _figure(rows, transfer), data


def _factors(result: Row) -> Factors:
    """Ends of the transfer factor of a document, which an older one has not said."""
    ends = result.get("factors") or ASSUMED
    return float(ends[0]), float(ends[1])


def _ratio(row: Row, transfer: Factors) -> Row | None:
    """Found over claimed, its interval, and what the transfer factor makes of it.

    A range counts as its geometric middle. None without two positive numbers.
    """
    value, claimed = number(row.get("measured")), number(row.get("article"))
    if value is None or claimed is None or value <= 0 or claimed <= 0:
        return None
    to = number(row.get("article_to"))
    if to is not None and to > 0:
        claimed = math.sqrt(claimed * to)
    found = Found(value, number(row.get("low")), number(row.get("high")))
    ratio = found.times(1 / claimed)
    run = row.get("basis") == "run"
    factors = measured(str(row.get("unit")), transfer) if run else (1.0, 1.0)
    # Where no factor counts there is no band.
    timed = factors != (1.0, 1.0)
    least, most = reach(ratio, factors) if timed else (value / claimed,) * 2
    return {
        "ratio": ratio.value,
        "ratio_low": ratio.low,
        "ratio_high": ratio.high,
        "reach_low": least,
        "reach_high": most,
    }


def _figure(rows: list[Row], transfer: Factors) -> Figure:
    from matplotlib.figure import Figure

    groups = {
        verdict: sorted(mine, key=lambda row: float(row["ratio"]))
        for verdict in _GROUPS
        if (mine := [row for row in rows if row["verdict"] == verdict])
    }
    inches = 1.7 + _ROW * (len(rows) + _HEAD * len(groups))
    figure = Figure(figsize=(10.5, inches), label=_alt(groups))
    axes = figure.subplots()
    axes.set_xscale("log")
    edge, end = _reach(rows)
    axes.set_xlim(edge, end)
    axes.axvline(1, color=INK, linewidth=1.1, zorder=1)
    place, ticks = 0.0, {}
    for verdict, mine in groups.items():
        axes.text(
            0.006, place, verdict, transform=axes.get_yaxis_transform(), va="center",
            fontweight="bold", fontsize=9, color=INK, zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
        for row in mine:
            place += 1
            ticks[place] = _name(row)
            _draw_row(axes, row, place, edge, end)
        place += _HEAD
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.set_ylim(place - _HEAD + 0.7, -0.8)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    plain_log(axes.xaxis)
    axes.set_xlabel("what was found as a multiple of the article's number (log scale)")
    _legend(figure, list(groups), transfer)
    return figure


def _reach(rows: list[Row]) -> tuple[float, float]:
    """The ends of the axis: every dot, 1, and a little room."""
    values = [float(row["ratio"]) for row in rows] + [1.0]
    return min(values) / 3, max(values) * 3


def _name(row: Row) -> str:
    return _cut(str(row.get("id")).replace("_", " "))


def _cut(text: str, width: int = _LETTERS) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _draw_row(axes: Axes, row: Row, place: float, edge: float, end: float) -> None:
    least, most = (min(max(row[key], edge), end) for key in ("reach_low", "reach_high"))
    if most > least:
        axes.plot(
            [least, most], [place] * 2, color=_BAND, linewidth=8, zorder=0,
            solid_capstyle="butt",
        )  # fmt: skip
    mark: Row = {"markersize": 5.5} | _MARKS[row["verdict"]]
    if row["basis"] == "documentation" and row["verdict"] != OUTDATED:
        mark["markerfacecolor"] = lighter(str(mark["color"]), 0.85)
    found = Estimate(row["ratio"], row["ratio_low"], row["ratio_high"])
    log_interval(axes, found, place, edge, **mark)
    beside(axes, place, _cut(f"{ours(row)}, article {article(row)}", 62))


def _legend(figure: Figure, verdicts: list[str], transfer: Factors) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Line2D([], [], linestyle="", label=verdict, **_MARKS[verdict])
        for verdict in verdicts
    ]
    least, most = (f"{factor:.3g}" for factor in transfer)
    said = f"a time, for a factor of {least} to {most}"
    handles.append(Patch(facecolor=_BAND, label=said))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        title="Lines: 95 % intervals over process groups, or the range of bodies. "
        "Pale: documented. A range is its middle, a bound one side of the line.",
        title_fontsize=8.5,
    )


def _alt(groups: dict[str, list[Row]]) -> str:
    parts = [
        f"{verdict}: "
        + ", ".join(f"{_name(row)} {row['ratio']:.3g} times" for row in mine)
        for verdict, mine in groups.items()
    ]
    return f"What was found over what the article says. {'; '.join(parts)}."
