"""Cost that grows with size: log-log panels, a line a competitor, named at its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.figures._axes import Estimate, plain_log
from bench.figures._common import INK
from bench.figures._contest import (
    TITLE,
    cut,
    handle,
    in_order,
    line,
    mark,
    named,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SPACE = 8.5  # points between two names
_LEADER: dict[str, Any] = {"linewidth": 0.6, "alpha": 0.7, "clip_on": False}


class Curve(NamedTuple):
    """One competitor: points (size, ms with interval), and the fitted line, if any."""

    name: str
    runtime: str
    points: list[tuple[float, Estimate]]
    fitted: list[tuple[float, float]]

    @property
    def end(self) -> tuple[float, float]:
        """Where the name stands: the largest size and its ms."""
        ends = [(size, found.value) for size, found in self.points]
        return max(self.fitted or ends)


class Level(NamedTuple):
    """A horizontal line: ms, its name, and whether it is the article's."""

    ms: float
    name: str
    article: bool = False


def draw_panel(
    axes: Axes, title: str, curves: Sequence[Curve], levels: Iterable[Level]
) -> None:
    """All curves of one question, and the levels to hold them against."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(cut(title, TITLE))
    for curve in curves:
        _draw(axes, curve)
    for level in levels:
        style: Any = (0, (1, 1.5)) if level.article else "-"
        axes.axhline(level.ms, color=INK, linewidth=1.1, linestyle=style, zorder=2)
        axes.annotate(
            cut(level.name, TITLE),
            (0, level.ms),
            xycoords=("axes fraction", "data"),
            xytext=(4, 2),
            textcoords="offset points",
            fontsize=8,
            fontweight="bold" if level.article else "normal",
            color=INK,
            zorder=6,
            bbox={
                "boxstyle": "round,pad=0.1",
                "facecolor": "#ffffffcc",
                "linewidth": 0,
            },
        )


def _draw(axes: Axes, curve: Curve) -> None:
    style, dots = line(curve.runtime), mark(curve.runtime)
    if curve.fitted:
        axes.plot(*zip(*curve.fitted, strict=True), linewidth=1.2, **style)
    else:
        path = [(size, found.value) for size, found in sorted(curve.points)]
        axes.plot(*zip(*path, strict=True), linewidth=0.9, **style)
    for size, found in curve.points:
        if found.low is not None and found.high is not None and found.low > 0:
            ends = [found.low, found.high]
            axes.plot([size] * 2, ends, "-", color=dots["color"], linewidth=1.2)
        axes.plot([size], [found.value], linestyle="", zorder=4, **dots)


def finish(figure: Figure, panels: Sequence[tuple[Axes, Sequence[Curve]]]) -> None:
    """Give all panels one scale, plain numbers, and a name at each curve's end.

    Called after drawing, because names must know the scale to keep apart.
    """
    bottom = min(axes.get_ylim()[0] for axes, _ in panels)
    top = max(axes.get_ylim()[1] for axes, _ in panels)
    for axes, _ in panels:
        axes.set_ylim(bottom, top)
        plain_log(axes.xaxis)
        plain_log(axes.yaxis)
    figure.draw_without_rendering()
    for axes, curves in panels:
        _names(axes, curves)
    runtimes = in_order(one.runtime for _, curves in panels for one in curves)
    figure.legend(
        handles=[handle(runtime, lined=True) for runtime in runtimes],
        loc="outside lower center",
        ncols=max(len(runtimes), 1),
        title="95 % intervals over process groups",
        title_fontsize=8.5,
    )


def _names(axes: Axes, curves: Sequence[Curve]) -> None:
    """Names right of the axes, as near to their curves as they do not overlap."""
    from matplotlib.transforms import blended_transform_factory

    ordered = sorted(curves, key=lambda curve: curve.end[1])
    heights = [axes.transData.transform(curve.end)[1] for curve in ordered]
    bounds = axes.get_window_extent()
    places = _apart(heights, _SPACE * axes.figure.dpi / 72, bounds.y0, bounds.y1)
    across = blended_transform_factory(axes.transAxes, axes.transData)
    for curve, place in zip(ordered, places, strict=True):
        colour = mark(curve.runtime)["color"]
        level = axes.transData.inverted().transform((0, place))[1]
        end = axes.transAxes.inverted().transform(axes.transData.transform(curve.end))
        axes.plot(
            [end[0], 1.05],
            [end[1], axes.transAxes.inverted().transform((0, place))[1]],
            transform=axes.transAxes, color=colour, zorder=1, **_LEADER,
        )  # fmt: skip
        axes.text(
            1.06, level, named(curve.name), transform=across, va="center", fontsize=7.5,
            color=INK,
        )  # fmt: skip


def _apart(
    wanted: Sequence[float], space: float, low: float, high: float
) -> list[float]:
    """``wanted`` heights, rising, moved so that neighbours are ``space`` apart, and
    inside ``low`` to ``high`` as long as there is room."""
    found: list[float] = []
    for height in wanted:
        found.append(max(height, found[-1] + space if found else low))
    ceiling = max(high, low + space * (len(found) - 1))
    for place in reversed(range(len(found))):
        found[place] = min(found[place], ceiling)
        ceiling = found[place] - space
    return found
