"""Two runs, cell by cell: the ratio of B to A with its interval, beside the band in
which both are the same.

Verdicts are groups, each with a marker and fill of its own; the surest of each come
first, and what does not fit in the picture is in the document.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bench.figures._axes import (
    Estimate,
    beside,
    log_interval,
    plain_log,
    ratio_text,
)
from bench.figures._common import INK, PALETTE, empty, number, styled
from bench.figures._contest import Row, cut, listed
from bench.platform import LimitProfile
from bench.verdict.compare import FASTER, INCONCLUSIVE, SAME, SLOWER, VERDICTS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "CPU of run B as a multiple of run A's"
SOURCE = "compare"

_MARKS: dict[str, Row] = {
    SLOWER: {"color": PALETTE[13], "marker": "^", "markersize": 6},
    FASTER: {"color": PALETTE[0], "marker": "v", "markersize": 6},
    INCONCLUSIVE: {"color": "#717581", "marker": "s", "markerfacecolor": "white"},
    SAME: {"color": INK, "marker": "o", "markersize": 4.5},
}
_BAND = "#dfe3e8"
_SHOWN = 15  # cells of one verdict
_ROW, _HEAD = 0.22, 1.1  # inches a row; rows that a heading takes
_LETTERS = 70
_COLUMNS = [
    "cell", "verdict", "ratio", "low", "high", "p", "p_corrected", "a_ms", "b_ms",
    "n_a", "n_b",
]  # fmt: skip


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Ratios on a log axis; the frame has a row for each cell that has one."""
    import pandas as pd

    rows = [
        row
        for row in listed(result, "rows")
        if row.get("verdict") in VERDICTS and (number(row.get("ratio")) or 0) > 0
    ]
    data = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    with styled():
        if not rows:
            text = "No cell has a cost in both runs: there is nothing to compare."
            return empty(text), data
        return _figure(rows, _within(result)), data


def _within(result: Row) -> float:
    rules = result.get("rules")
    found = number(rules.get("within")) if isinstance(rules, dict) else None
    return found if found and found > 0 else 0.0


def _figure(rows: list[Row], within: float) -> Figure:
    from matplotlib.figure import Figure

    every = {
        verdict: sorted(mine, key=_distance, reverse=True)
        for verdict in VERDICTS
        if (mine := [row for row in rows if row["verdict"] == verdict])
    }
    groups = {verdict: mine[:_SHOWN] for verdict, mine in every.items()}
    shown = sum(map(len, groups.values()))
    inches = 1.6 + _ROW * (shown + _HEAD * len(groups))
    figure = Figure(figsize=(11, inches), label=_alt(every))
    axes = figure.subplots()
    axes.set_xscale("log")
    edge, end = _reach([row for mine in groups.values() for row in mine], within)
    axes.set_xlim(edge, end)
    axes.axvspan(1 / (1 + within), 1 + within, facecolor=_BAND, zorder=0)
    axes.axvline(1, color=INK, linewidth=1.0, zorder=1)
    place, ticks = 0.0, {}
    for verdict, mine in groups.items():
        more = len(every[verdict]) - len(mine)
        title = f"{verdict}, {more} more" if more else verdict
        axes.text(
            0.006, place, title, transform=axes.get_yaxis_transform(), va="center",
            fontweight="bold", fontsize=9, color=INK, zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
        for row in mine:
            place += 1
            ticks[place] = _named(row)
            _draw_row(axes, row, place, edge)
        place += _HEAD
    axes.set_yticks(list(ticks), list(ticks.values()), fontsize=7)
    axes.set_ylim(place - _HEAD + 0.7, -0.8)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    plain_log(axes.xaxis)
    axes.set_xlabel("CPU of B as a multiple of A's (log scale)")
    _legend(figure, list(groups), within)
    return figure


def _named(row: Row) -> str:
    """The name of a cell without control characters, which have no glyph."""
    name = "".join(letter for letter in str(row.get("cell")) if letter.isprintable())
    return cut(name, _LETTERS)


def _distance(row: Row) -> float:
    """How far a ratio is from 1, on the scale of the axis."""
    return abs(math.log(float(row["ratio"])))


def _reach(rows: list[Row], within: float) -> tuple[float, float]:
    """The ends of the axis: every ratio, and intervals as far as they are no wider
    than the ratios are apart from 1."""
    far = max(_distance(row) for row in rows) + 2 * math.log1p(within) + 0.02
    return math.exp(-1.5 * far), math.exp(1.5 * far)


def _draw_row(axes: Axes, row: Row, place: float, edge: float) -> None:
    found = Estimate(
        float(row["ratio"]), number(row.get("low")), number(row.get("high"))
    )
    mark: Row = {"markersize": 5} | _MARKS[row["verdict"]]
    log_interval(axes, found, place, edge, **mark)
    beside(axes, place, ratio_text(found))


def _legend(figure: Figure, verdicts: list[str], within: float) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Line2D([], [], linestyle="", label=verdict, **_MARKS[verdict])
        for verdict in verdicts
    ]
    handles.append(Patch(facecolor=_BAND, label=f"within {within:.1%}: the same"))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        title="Lines: 95 % intervals over process groups, with what the sentinel says "
        "of the machine; verdicts are corrected for all cells",
        title_fontsize=8.5,
    )


def _alt(groups: dict[str, list[Row]]) -> str:
    parts = [
        f"{verdict}: {len(mine)} cells, "
        + ", ".join(f"{row.get('cell')} {row['ratio']:.3g}" for row in mine[:5])
        for verdict, mine in groups.items()
    ]
    return f"CPU of run B as a multiple of run A's. {'; '.join(parts)}."
