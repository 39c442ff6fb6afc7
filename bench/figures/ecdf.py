"""How CPU per request is distributed, and how far its tail reaches.

A row of panels for each runtime. The left panel shows the whole distribution, the
right one only what the left cannot: on two log axes a rare slow request is as visible
as a common one. A percentile is
marked only where enough requests lie beyond it to say where it is; its height names
it, so the shape of the mark is free to name the invocation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bench.figures._axes import plain_log
from bench.figures._common import (
    INK,
    LIMIT,
    LINE,
    empty,
    foreign,
    invocation_colour,
    milliseconds,
    spoken,
    styled,
)
from bench.figures._distribution import Line, lines_of, table, thinned
from bench.figures._limits import limit_label
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Distribution and tail of CPU per request"


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """ECDF and CCDF of CPU in ms; the frame has the points of each drawn line."""
    lines = list(lines_of(result, samples))
    with styled():
        if not lines:
            text = "No request was measured as a whole: there is no distribution."
            return empty(text), table([])
        return _figure(result, lines, limits), table(lines)


def _figure(result: dict[str, Any], lines: list[Line], limits: LimitProfile) -> Figure:
    from matplotlib.figure import Figure

    runtimes = list(dict.fromkeys(line.runtime for line in lines))
    rows = len(runtimes)
    figure = Figure(figsize=(9.5, 1.1 + 3.4 * rows), label=_alt(lines))
    # One scale, so that one runtime can be held against another.
    panels = figure.subplots(rows, 2, squeeze=False, sharex=True, sharey="col")
    reach = _reach(lines)
    for (left, right), runtime in zip(panels, runtimes, strict=True):
        mine = [line for line in lines if line.runtime == runtime]
        for line in mine:
            _draw_line(left, right, line)
        scale = runtime in foreign(result)
        for axes, share_of in ((left, "at or below"), (right, "above")):
            axes.set_xscale("log")
            axes.set_ylabel(f"share of requests {share_of}")
            for limit in sorted({limits.cpu_ms_for(line.invocation) for line in mine}):
                _limit(axes, limit, limit_label(limits.name, limit, scale=scale), reach)
        left.set_title(f"{spoken(runtime)}, distribution", pad=17)
        right.set_title(f"{spoken(runtime)}, tail", pad=17)
    _finish(panels[-1], lines, limits)
    _legend(figure, result, lines)
    return figure


def _draw_line(left: Axes, right: Axes, line: Line) -> None:
    colour, style = invocation_colour(line.invocation), LINE.get(line.phase, ":")
    values, share = thinned(line)
    left.step(
        values,
        share,
        where="post",
        color=colour,
        linestyle=style,
        label=f"{line.name}, n = {len(line.values):,}",
    )
    # The largest sample has nothing beyond it; a log axis cannot show that zero.
    right.step(values[:-1], 1 - share[:-1], where="post", color=colour, linestyle=style)
    _mark(left, right, line, colour)


def _mark(left: Axes, right: Axes, line: Line, colour: str) -> None:
    for q, value in line.marks():
        for axes, share in ((left, q / 100), (right, 1 - q / 100)):
            axes.plot(
                [value],
                [share],
                line.shape,
                color=colour,
                markeredgecolor="white",
                markersize=6.5,
                zorder=6,
            )


def _finish(panels: Sequence[Axes], lines: list[Line], limits: LimitProfile) -> None:
    """The axes that all rows share."""
    left, right = panels
    low, high = _reach(lines)
    near = [
        limit
        for line in lines
        if _is_near(limit := limits.cpu_ms_for(line.invocation), (low, high))
    ]
    left.set_xlim(min([low, *near]) / 1.15, max([high, *near]) * 1.15)
    left.set_ylim(0, 1.02)
    right.set_yscale("log")
    right.set_ylim(0.35 / max(len(line.values) for line in lines), 1.3)
    for axis in (left.xaxis, right.xaxis, right.yaxis):
        plain_log(axis)
    for axes in panels:
        axes.set_xlabel("CPU per request on its thread (ms, log scale)")


def _reach(lines: list[Line]) -> tuple[float, float]:
    return (
        min(float(line.values[0]) for line in lines),
        max(float(line.values[-1]) for line in lines),
    )


def _is_near(limit: float, reach: tuple[float, float]) -> bool:
    return reach[0] / 3 <= limit <= reach[1] * 3


def _limit(axes: Axes, limit: float, text: str, reach: tuple[float, float]) -> None:
    """The limit as a line where it is near, else as a note that says which way."""
    if _is_near(limit, reach):
        style = ":" if text.endswith("(for scale)") else "-"
        axes.axvline(limit, color=LIMIT, linewidth=1.8, linestyle=style, zorder=5)
        place, align, at = limit, "center", "data"
    else:
        beyond = limit > reach[1]
        text = (
            f"{text} \N{RIGHTWARDS ARROW}" if beyond else f"\N{LEFTWARDS ARROW} {text}"
        )
        place, align, at = (
            (1, "right", "axes fraction") if beyond else (0, "left", "axes fraction")
        )
    axes.annotate(
        text,
        (place, 1),
        xycoords=(at, "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha=align,
        va="bottom",
        fontsize=8,
        fontweight="bold",
        color=INK,
    )


def _legend(figure: Figure, result: dict[str, Any], lines: list[Line]) -> None:
    """One entry a line style, with n of each row of panels."""
    from matplotlib.lines import Line2D

    counts: dict[str, list[str]] = {}
    for line in lines:
        counts.setdefault(line.name, []).append(f"{len(line.values):,}")
    first = {line.name: line for line in reversed(lines)}
    handles = [
        Line2D(
            [], [], color=invocation_colour(first[name].invocation),
            linestyle=LINE.get(first[name].phase, ":"),  # type: ignore[arg-type]
            marker=first[name].shape, markeredgecolor="white",
            label=f"{name}, n = {', '.join(numbers)}",
        )
        for name, numbers in counts.items()
    ]  # fmt: skip
    figure.legend(
        handles=handles,
        loc="outside lower center",
        # A column an invocation, warm above cold.
        ncols=min(len({line.invocation for line in lines}), 4),
        title="\n".join(_notes(result, lines)),
        title_fontsize=8.5,
    )


def _notes(result: dict[str, Any], lines: list[Line]) -> Iterator[str]:
    """What a reader must know of marks, n and the limit."""
    runtimes = list(dict.fromkeys(line.runtime for line in lines))
    marks = sorted({q for line in lines for q, _ in line.marks()})
    notes = [f"marks at {', '.join(f'p{q}' for q in marks)}"] if marks else []
    if len(runtimes) > 1:
        notes.append(f"n of {', '.join(map(spoken, runtimes))}")
    if notes:
        yield "; ".join(notes)
    rows = result.get("invocations") or []
    locked = {row.get("runtime") for row in rows if row.get("locked_ms") is not None}
    for runtime in runtimes:
        if runtime in locked:
            yield (
                f"of what is shown of {spoken(runtime)}, the limit counts only the "
                "time under the isolate lock"
            )


def _alt(lines: list[Line]) -> str:
    """The figure in words: sample sizes and the percentiles that are marked."""
    parts = []
    for line in lines:
        marks = ", ".join(f"p{q} {milliseconds(v)} ms" for q, v in line.marks())
        parts.append(
            f"{line.name} in {spoken(line.runtime)}, {len(line.values):,} requests: "
            f"{marks or 'too few requests for a percentile'}"
        )
    return f"Cumulative distribution and tail of CPU per request. {'; '.join(parts)}."
