"""Where the CPU budget goes: one bar an invocation, against the limit.

Stacked from zero in path order, so a bar's length is what the platform would count.
Computing is solid, work around I/O is hatched; the floor, which is the cost of an
empty request, comes last. The whisker is the interval of the whole, measured as a
whole and not as the sum of its parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._bars import Bar, Segment, bars, table
from bench.figures._common import (
    FLOOR,
    INK,
    empty,
    lighter,
    limit_label,
    limit_line,
    milliseconds,
    phases_of,
    spoken,
    stage_colour,
    styled,
)
from bench.figures._stage_legend import SMALL, add_legend, height
from bench.platform import LimitProfile, limit_profiles

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "CPU budget: the stages of each invocation against the limit"

_HEIGHT = 0.62
# Of the axis: what is narrower cannot be told from its neighbours' edges.
_VISIBLE = 0.006
_ROOM_FOR_NUMBER = 0.018
_ROOM_FOR_LIMIT_NAME = 0.24
# Under the bar: on it, the whisker would cross the numbers of the stages.
_WHISKER = _HEIGHT / 2 + 0.09
# The phases share one scale unless the longer would flatten the shorter.
_SAME_SCALE = 8.0
# A limit further right than this many bar lengths would flatten the bars.
_NEAR = 1.7
_MEANING = {
    "warm": "warm: after the start-up costs are paid",
    "cold": "cold: the first request of a fresh process",
}


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Budget bars in ms of CPU; the frame has a row a segment, floor and whole."""
    found = bars(result)
    with styled():
        if not found:
            return empty("No stage was measured: there is no budget to show."), table(
                []
            )
        return _figure(result, found, limits), table(found)


def _figure(result: dict[str, Any], found: list[Bar], limits: LimitProfile) -> Figure:
    from matplotlib.figure import Figure

    phases = phases_of(bar.phase for bar in found)
    groups = [[bar for bar in found if bar.phase == phase] for phase in phases]
    longest = [max(bar.length for bar in group) for group in groups]
    shared = max(longest) <= _SAME_SCALE * min(longest)
    panels = 0.75 * len(groups) + 0.5 * len(found)
    figure = Figure(figsize=(9.5, panels + height(found)), label=_alt(found, limits))
    axes = figure.subplots(
        len(groups), 1, squeeze=False, height_ratios=[len(group) for group in groups]
    )[:, 0]
    runtimes = runtimes_of(result)
    for panel, phase, group, length in zip(axes, phases, groups, longest, strict=True):
        _panel(result, panel, group, limits, max(longest) if shared else length)
        panel.set_title(f"{runtimes}, {_MEANING.get(phase, phase)}", pad=17)
    scale = "" if shared else "; the two panels differ in scale"
    for panel in axes:
        # The limit that is off this axis is already named there.
        lines = [f"CPU per invocation (ms){scale}"] if panel is axes[-1] else []
        panel.set_xlabel("\n".join([*lines, panel.get_xlabel()]).strip())
    add_legend(figure, found)
    return figure


def runtimes_of(result: dict[str, Any]) -> str:
    """Names of the runtimes that were measured, as a title begins."""
    rows = result.get("invocations") or []
    return ", ".join(dict.fromkeys(spoken(row.get("runtime")) for row in rows))


def _panel(
    result: dict[str, Any],
    axes: Axes,
    group: list[Bar],
    limits: LimitProfile,
    longest: float,
) -> None:
    own = {limits.cpu_ms_for(bar.invocation) for bar in group}
    near = {limit for limit in own if limit <= _NEAR * longest}
    right = max([1.04 * longest, *(1.08 * limit for limit in near)]) or 1.0
    for place, bar in enumerate(group):
        _draw_bar(axes, place, bar, right)
        _total(axes, place, bar)
    axes.set_xlim(0, right)
    axes.set_ylim(len(group) - 0.4, -0.5)
    axes.set_yticks(range(len(group)), [bar.label for bar in group])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    for limit in sorted(near):
        limit_line(axes, limit, limit_label(result, limits.name, limit))
    _other_limits(axes, own, right)
    if own - near:
        limit = min(own - near)
        text = limit_label(result, limits.name, limit)
        _off_axis(axes, text, limit / (max(bar.length for bar in group) or 1.0))


def _draw_bar(axes: Axes, place: int, bar: Bar, right: float) -> None:
    left = small = 0.0
    for part in bar.segments:
        if part.cpu < _VISIBLE * right:
            small += part.cpu
        else:
            _segment(axes, place, left, part, right)
            left += part.cpu
    axes.barh(place, small, _HEIGHT, left=left, **SMALL)
    axes.barh(
        place,
        bar.floor,
        _HEIGHT,
        left=left + small,
        facecolor=FLOOR,
        edgecolor="#8a8a8a",
        linewidth=0.8 if bar.floor else 0,
    )


def _segment(axes: Axes, place: int, left: float, part: Segment, right: float) -> None:
    colour, end = stage_colour(part.stage), left + part.cpu
    axes.barh(place, part.cpu - part.io, _HEIGHT, left=left, color=colour, linewidth=0)
    axes.barh(
        place,
        part.io,
        _HEIGHT,
        left=end - part.io,
        facecolor=lighter(colour),
        edgecolor=colour,
        hatch="/////",
        linewidth=0,
    )
    half = _HEIGHT / 2
    axes.vlines(end, place - half, place + half, color="white", linewidth=1.0)
    if part.cpu >= _ROOM_FOR_NUMBER * right:
        axes.text(
            left + part.cpu / 2,
            place,
            str(part.number),
            ha="center",
            va="center",
            fontsize=7.5,
            color=INK,
            zorder=6,  # the line of a limit passes behind it
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "linewidth": 0},
        )


def _total(axes: Axes, place: int, bar: Bar) -> None:
    """The whisker under the bar, and the numbers in a column right of the axes."""
    text = f"{milliseconds(bar.whole)} ms"
    if bar.low is not None and bar.high is not None:
        ends, under = [bar.low, bar.whole, bar.high], [place + _WHISKER] * 3
        axes.plot(ends, under, "-|", color=INK, markersize=6, linewidth=1.2, zorder=6)
        text += f"  [{milliseconds(bar.low)}, {milliseconds(bar.high)}]"
    axes.annotate(
        f"{text}\n{bar.size}" if bar.n else text,
        (1, place),
        xycoords=("axes fraction", "data"),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=INK,
    )


def _other_limits(axes: Axes, own: set[float], right: float) -> None:
    """The limits of the other profiles where they fall on the axis, names apart."""
    taken = sorted(own)
    for profile in limit_profiles().values():
        limit = profile.cpu_ms
        apart = all(abs(limit - t) > _ROOM_FOR_LIMIT_NAME * right for t in taken)
        if limit < right and apart:
            limit_line(axes, limit, f"{profile.name} {limit:,g} ms", own=False)
            taken.append(limit)


def _off_axis(axes: Axes, limit: str, times: float) -> None:
    """Say under the axis which limit it does not reach, and how far that is."""
    axes.set_xlabel(
        f"{limit}, is off the axis: {times:,.0f} \N{MULTIPLICATION SIGN} the longest "
        "bar \N{RIGHTWARDS ARROW}"
    )


def _alt(found: list[Bar], limits: LimitProfile) -> str:
    """The figure in words: each bar's total, share of the limit and largest stage."""
    parts = []
    for bar in found:
        limit = limits.cpu_ms_for(bar.invocation)
        top = max(bar.segments, key=lambda part: part.cpu)
        parts.append(
            f"{bar.label.replace(chr(10), ' in ')}, {bar.phase}: "
            f"{milliseconds(bar.whole)} ms, {bar.whole / limit:.2%} of {limit:,g} ms, "
            f"most in {top.stage} ({milliseconds(top.cpu)} ms)"
        )
    return f"Stacked bars of CPU per stage against {limits.name}. {'; '.join(parts)}."
