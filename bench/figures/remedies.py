"""What the article's fixes do: a panel for each, its numbers with their intervals.

A fix that is held against what it replaces has ratios, on a log axis around 1 beside
the band in which the reference differs from itself; shares lie between none and all;
anything else is counted from zero. Dots and bars are of one ink, so that grey says the
same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.figures._axes import (
    Estimate,
    beside,
    log_floor,
    log_interval,
    plain_log,
)
from bench.figures._common import INK, PALETTE, empty, styled
from bench.figures._contest import WRONG, Row, control, cut, estimate, listed
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "The article's fixes"
SOURCE = "remedies"

RATIO, SHARE = "ratio", "share"
_UNITS = (RATIO, SHARE, "requests")  # what a panel shows, the first that a fix has
_COLUMNS = [
    "remedy", "name", "value", "low", "high", "unit", "n", "drawn", "error",
]  # fmt: skip
_MARK: dict[str, Any] = {"color": PALETTE[10], "marker": "o", "markersize": 5.5}
_BAND: dict[str, Any] = {"facecolor": "#d9dce0", "edgecolor": "none", "zorder": 0}
_SMALLEST = 1e-5  # a ratio that is smaller is one of noise
_ROW, _PANEL = 0.24, 1.0  # inches
_NAME, _TITLE, _SAID = 44, 80, 26  # letters


class Panel(NamedTuple):
    """One fix: its numbers of one unit, and the control where it has one."""

    title: str
    unit: str
    rows: list[tuple[str, Estimate]]
    control: Estimate | None
    error: str


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """A panel for each fix; the frame has every number, and which of them are drawn."""
    import pandas as pd

    remedies = listed(result, "remedies")
    panels = [_panel(remedy) for remedy in remedies]
    rows = [
        row
        for remedy, panel in zip(remedies, panels, strict=True)
        for row in _data(remedy, panel)
    ]
    data = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    with styled():
        if not any(panel.rows for panel in panels):
            return empty("No fix of the article was tried to its end."), data
        return _figure(panels), data


def _panel(remedy: Row) -> Panel:
    known = [
        (str(one.get("unit")), str(one.get("name")), found)
        for one in listed(remedy, "numbers")
        if (found := estimate(one, "value", "low", "high")) is not None
        and (str(one.get("unit")) != RATIO or found.value > 0)
    ]
    units = [unit for unit, _, _ in known]
    shown = next((unit for unit in (*_UNITS, *units) if unit in units), "")
    return Panel(
        str(remedy.get("title") or remedy.get("remedy")),
        shown,
        [(name, found) for unit, name, found in known if unit == shown],
        control(remedy) if shown == RATIO else None,
        str(remedy.get("error") or ""),
    )


def _data(remedy: Row, panel: Panel) -> list[Row]:
    place = {"remedy": remedy.get("remedy"), "error": remedy.get("error")}
    drawn = {(name, panel.unit) for name, _ in panel.rows}
    return [
        place
        | {key: one.get(key) for key in ("name", "value", "low", "high", "unit", "n")}
        | {"drawn": (str(one.get("name")), str(one.get("unit"))) in drawn}
        for one in listed(remedy, "numbers")
    ] or [place]


def _figure(panels: Sequence[Panel]) -> Figure:
    from matplotlib.figure import Figure

    rows = [max(len(panel.rows), 1) for panel in panels]
    inches = 0.8 + _PANEL * len(panels) + _ROW * sum(rows)
    figure = Figure(figsize=(10.5, inches), label=_alt(panels))
    heights = [each + 0.6 for each in rows]
    column = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)
    for axes, panel in zip(column.flat, panels, strict=True):
        _draw(axes, panel)
    _legend(figure, panels)
    return figure


def _draw(axes: Axes, panel: Panel) -> None:
    axes.set_title(cut(panel.title, _TITLE), loc="left", fontsize=9.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    if not panel.rows:
        axes.set_axis_off()
        why = f"failed: {panel.error}" if panel.error else "was not measured"
        axes.text(
            0.0, 0.5, cut(why, 100), transform=axes.transAxes, va="center",
            fontsize=8, fontstyle="italic", color=WRONG,
        )  # fmt: skip
        return
    found = [each for _, each in panel.rows]
    if panel.unit == RATIO:
        edge = _ratios(axes, found, panel.control)
    else:
        edge = _amounts(axes, found, panel.unit)
    for place, (_, each) in enumerate(panel.rows):
        if panel.unit == RATIO:
            log_interval(axes, each, place, edge, **_MARK)
        else:
            _interval(axes, each, place)
        beside(axes, place, cut(_said(each, panel.unit), _SAID))
    names = [cut(name, _NAME) for name, _ in panel.rows]
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _ratios(axes: Axes, found: Sequence[Estimate], band: Estimate | None) -> float:
    """A log axis around 1; where it ends on the left."""
    axes.set_xscale("log")
    edge = log_floor([*found, Estimate(1.0, None, None)], _SMALLEST)
    # An interval over two groups may reach anywhere.
    most = max([1.0, *(each.value for each in found)])
    ends = [each.high for each in found if each.high and each.high < 10 * most]
    axes.set_xlim(edge, 1.4 * max([most, *ends]))
    if band is not None and band.low is not None and band.high is not None:
        left, right = axes.get_xlim()
        axes.axvspan(max(band.low, left), min(band.high, right), **_BAND)
    axes.axvline(1, color=INK, linewidth=0.9, linestyle=":", zorder=1)
    plain_log(axes.xaxis)
    axes.set_xlabel("times what it replaces (log scale)", fontsize=8)
    return edge


def _amounts(axes: Axes, found: Sequence[Estimate], unit: str) -> float:
    """A linear axis from zero, of all for shares; where it begins."""
    from matplotlib.ticker import PercentFormatter

    if unit == SHARE:
        axes.set_xlim(-0.02, 1.02)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    else:
        most = max(each.value for each in found)
        ends = [each.high for each in found if each.high and each.high < 3 * most]
        top = max([most, *ends])
        least = min([0.0, *(each.value for each in found)])
        span = (top - least) or 1.0
        axes.set_xlim(least - 0.02 * span, top + 0.06 * span)
    axes.set_xlabel("share" if unit == SHARE else cut(unit, 40), fontsize=8)
    return float(axes.get_xlim()[0])


def _interval(axes: Axes, found: Estimate, place: int) -> None:
    left, right = axes.get_xlim()
    if found.low is not None and found.high is not None:
        ends = [min(max(end, left), right) for end in (found.low, found.high)]
        axes.plot(ends, [place] * 2, "-|", color=_MARK["color"], linewidth=1.3)
    axes.plot([found.value], [place], linestyle="", zorder=4, clip_on=False, **_MARK)


def _said(found: Estimate, unit: str) -> str:
    def shape(value: float) -> str:
        if unit == SHARE:
            return f"{value:.1%}"
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"

    ends = ""
    if found.low is not None and found.high is not None and found.low != found.high:
        ends = f" [{shape(found.low)}, {shape(found.high)}]"
    return f"{shape(found.value)}{ends}"


def _legend(figure: Figure, panels: Sequence[Panel]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    label = "measured, with its 95 % interval over groups of processes"
    handles: list[Any] = [Line2D([], [], linewidth=1.3, label=label, **_MARK)]
    if any(panel.control is not None for panel in panels):
        handles.append(Patch(**_BAND, label="the reference against itself"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def _alt(panels: Sequence[Panel]) -> str:
    parts = []
    for panel in panels:
        rows = [f"{name} {_said(found, panel.unit)}" for name, found in panel.rows]
        said = ", ".join(rows) or f"failed: {panel.error or 'not measured'}"
        parts.append(f"{panel.title} ({panel.unit or 'nothing'}): {said}")
    return f"What the article's fixes do. {'; '.join(parts)}."
