"""Where the CPU budget goes: one bar an invocation, against the limit.

Stacked from zero: first, solid, the compute of the stages in path order and the floor,
which is the cost of an empty request; in a Worker that is its time under the isolate
lock, so where the solid part ends is what the platform charges. Hatched and last is
the CPU around I/O. Whiskers are intervals of what was measured as a whole and not as
the sum of its parts.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bench.figures._axes import Estimate, aside
from bench.figures._bars import Bar, Segment, bars, table
from bench.figures._common import (
    FLOOR,
    INK,
    empty,
    foreign,
    milliseconds,
    phases_of,
    spoken,
    stage_colour,
    styled,
)
from bench.figures._limits import limit_label, limit_line, off_axis, other_limits
from bench.figures._stage_legend import AROUND, SMALL, add_legend, height
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "CPU budget: each invocation against the limit"

_HEIGHT = 0.6
_PITCH = 0.53  # inches a bar
_GAP = 0.35  # rows between the bars of two runtimes
# Of the axis: what is narrower cannot be told from its neighbours' edges.
_VISIBLE = 0.006
_ROOM_FOR_DIGIT = 0.009
# Under the bar: on it, the whiskers would cross the numbers of the stages.
_WHISKER = _HEIGHT / 2 + 0.09
# The phases share one scale unless the longer would flatten the shorter.
_SAME_SCALE = 8.0
# A limit further right than this many bar lengths would flatten the bars.
_NEAR = 1.7
_MEANING = {
    "warm": "warm: after the start-up costs are paid",
    "cold": "cold: the first request of a fresh isolate or process",
}


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Budget bars in ms of CPU; the frame has a row a segment, floor and whole."""
    found = bars(result)
    with styled():
        if not found:
            text = "No stage was measured: there is no budget to show."
            return empty(text), table([])
        return _figure(result, found, limits), table(found)


def _figure(result: dict[str, Any], found: list[Bar], limits: LimitProfile) -> Figure:
    from matplotlib.figure import Figure

    phases = phases_of(bar.phase for bar in found)
    groups = [[bar for bar in found if bar.phase == phase] for phase in phases]
    longest = [max(bar.length for bar in group) for group in groups]
    shared = max(longest) <= _SAME_SCALE * min(longest)
    rows = [_places(group)[-1] + 1 for group in groups]
    panels = 0.75 * len(groups) + _PITCH * sum(rows)
    figure = Figure(figsize=(9.5, panels + height(found)), label=_alt(found, limits))
    axes = figure.subplots(len(groups), 1, squeeze=False, height_ratios=rows)[:, 0]
    runtimes = ", ".join(dict.fromkeys(spoken(bar.runtime) for bar in found))
    for panel, phase, group, length in zip(axes, phases, groups, longest, strict=True):
        reach = max(longest) if shared else length
        _panel(panel, group, limits, reach, foreign(result))
        panel.set_title(f"{runtimes}, {_MEANING.get(phase, phase)}", pad=17)
    scale = "" if shared else "; the two panels differ in scale"
    for panel in axes:
        # The limit that is off this axis is already named there.
        lines = [f"CPU per invocation (ms){scale}"] if panel is axes[-1] else []
        panel.set_xlabel("\n".join([*lines, panel.get_xlabel()]).strip())
    add_legend(figure, found)
    return figure


def _places(group: list[Bar]) -> list[float]:
    """Row of each bar from the top; runtimes stand apart."""
    place, found = 0.0, [0.0]
    for before, bar in pairwise(group):
        place += 1 + (_GAP if bar.runtime != before.runtime else 0)
        found.append(place)
    return found


def _panel(
    axes: Axes,
    group: list[Bar],
    limits: LimitProfile,
    longest: float,
    others: set[str],
) -> None:
    own = {limits.cpu_ms_for(bar.invocation) for bar in group}
    near = {limit for limit in own if limit <= _NEAR * longest}
    right = max([1.04 * longest, *(1.08 * limit for limit in near)]) or 1.0
    places = _places(group)
    for place, bar in zip(places, group, strict=True):
        _draw_bar(axes, place, bar, right)
        _whiskers(axes, place, bar)
        _numbers(axes, place, bar)
    axes.set_xlim(0, right)
    axes.set_ylim(places[-1] + 0.6, -0.5)
    axes.set_yticks(places, [bar.label for bar in group])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    scale = all(bar.runtime in others for bar in group)
    for limit in sorted(near):
        _limit(axes, group, limit_label(limits.name, limit, scale=scale), limit, others)
    other_limits(axes, own, right)
    if own - near:
        limit = min(own - near)
        mine = [bar for bar in group if bar.runtime not in others] or group
        times = limit / (max(bar.length for bar in mine) or 1.0)
        of = "" if mine == group else f" of {spoken(mine[0].runtime)}"
        off_axis(axes, limit_label(limits.name, limit, scale=scale), times, of)


def _draw_bar(axes: Axes, place: float, bar: Bar, right: float) -> None:
    left = small = 0.0
    for part in bar.segments:
        if part.solid < _VISIBLE * right:
            small += part.solid
        else:
            _segment(axes, place, left, part, right)
            left += part.solid
    axes.barh(place, small, _HEIGHT, left=left, **SMALL)
    axes.barh(
        place,
        bar.solid_floor,
        _HEIGHT,
        left=left + small,
        facecolor=FLOOR,
        edgecolor="#8a8a8a",
        linewidth=0.8 if bar.solid_floor else 0,
    )
    axes.barh(place, bar.around, _HEIGHT, left=bar.solid, **AROUND)


def _segment(
    axes: Axes, place: float, left: float, part: Segment, right: float
) -> None:
    end, half = left + part.solid, _HEIGHT / 2
    colour = stage_colour(part.stage)
    axes.barh(place, part.solid, _HEIGHT, left=left, color=colour, linewidth=0)
    axes.vlines(end, place - half, place + half, color="white", linewidth=1.0)
    if part.solid >= _ROOM_FOR_DIGIT * (1 + len(str(part.number))) * right:
        axes.text(
            left + part.solid / 2,
            place,
            str(part.number),
            ha="center",
            va="center",
            fontsize=7.5,
            color=INK,
            zorder=6,  # the line of a limit passes behind it
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "linewidth": 0},
        )


def _whiskers(axes: Axes, place: float, bar: Bar) -> None:
    """Intervals under the bar: what is charged with a diamond, the whole without."""
    down = 0.05 if bar.charged else 0.0  # they may overlap
    for found, mark, at in (
        (bar.charged, "D", place + _WHISKER - down),
        (bar.whole, "|", place + _WHISKER + down),
    ):
        if found is None or found.low is None or found.high is None:
            continue
        style: dict[str, Any] = {"color": INK, "markersize": 6, "zorder": 6}
        ends = [found.low, found.high]
        axes.plot(ends, [at] * 2, "-|", linewidth=1.2, **style)
        size = 3.5 if mark == "D" else 6
        axes.plot([found.value], [at], mark, **{**style, "markersize": size})


def _numbers(axes: Axes, place: float, bar: Bar) -> None:
    """What is held against the limit in bold, right of the axes, the rest under it."""
    lines = [f"{_text(bar.whole)}{' whole' if bar.charged else ''}"]
    if bar.charged is not None:
        lines.insert(0, f"{_text(bar.charged)} charged")
    if bar.n:
        lines.append(bar.size)
    aside(axes, place, lines, size=8, step=10.5)


def _text(found: Estimate) -> str:
    text = f"{milliseconds(found.value)} ms"
    if found.low is None or found.high is None:
        return text
    return f"{text}  [{milliseconds(found.low)}, {milliseconds(found.high)}]"


def _limit(
    axes: Axes, group: list[Bar], label: str, limit: float, others: set[str]
) -> None:
    """The limit over the bars it applies to, and dotted, for scale, over the rest."""
    places = dict(zip([bar.label for bar in group], _places(group), strict=True))
    mine = [places[bar.label] for bar in group if bar.runtime not in others]
    rest = [places[bar.label] for bar in group if bar.runtime in others]
    if not mine or not rest:
        limit_line(axes, limit, label)
        return
    limit_line(axes, limit, label, rows=(-0.5, max(mine) + 0.5))
    ends = [min(rest) - 0.4, max(rest) + 0.6]
    axes.plot([limit] * 2, ends, ":", color=INK, linewidth=1.4, zorder=5)
    axes.text(limit, min(rest) - 0.44, " for scale", fontsize=8, color=INK, va="center")


def _alt(found: list[Bar], limits: LimitProfile) -> str:
    """The figure in words: what counts of each bar, its share of the limit, the
    largest stage."""
    parts = []
    for bar in found:
        limit = limits.cpu_ms_for(bar.invocation)
        top = max(bar.segments, key=lambda part: part.compute)
        of = (
            f" under the isolate lock of {milliseconds(bar.whole.value)} ms of CPU"
            if bar.charged
            else ""
        )
        parts.append(
            f"{bar.label.replace(chr(10), ' in ')}, {bar.phase}: "
            f"{milliseconds(bar.counted)} ms{of}, {bar.counted / limit:.2%} of "
            f"{limit:,g} ms, most compute in {top.stage} "
            f"({milliseconds(top.compute)} ms)"
        )
    return f"Stacked bars of CPU per stage against {limits.name}. {'; '.join(parts)}."
