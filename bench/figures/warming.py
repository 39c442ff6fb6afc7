"""How many requests it takes until a fresh isolate or process is warm.

The first request pays for what is loaded and compiled on first use; whether the second
does too decides what a short-lived isolate costs. The axis begins at zero, because the
question is what share of the cost goes away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._axes import factor
from bench.figures._common import (
    INK,
    empty,
    invocations_of,
    milliseconds,
    number,
    runtime_colour,
    runtimes_of,
    spoken,
    styled,
)
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Warming up: CPU of the first ten requests"

_SHAPES = "os^Dv"


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """CPU in ms by number of the request; the frame has a row a point, and the warm
    level beside it."""
    data = _table(result)
    with styled():
        if data.empty:
            text = "No request after the first of a fresh process was measured."
            return empty(text), data
        return _figure(result, data), data


def _table(result: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    warm = {
        (str(row.get("runtime")), str(row.get("invocation"))): number(
            row.get("whole_cpu_ms")
        )
        for row in result.get("invocations") or []
        if row.get("phase") == "warm"
    }
    columns = ["runtime", "invocation", "request", "cpu_ms", "low", "high", "n"]
    rows = []
    for row in result.get("warming") or []:
        key = str(row.get("runtime")), str(row.get("invocation"))
        numbers = [number(row.get(name)) for name in columns[2:]]
        if numbers[0] is not None and numbers[1] is not None:
            rows.append((*key, *numbers, warm.get(key)))
    return pd.DataFrame(rows, columns=[*columns, "warm_ms"])


def _figure(result: dict[str, Any], data: pd.DataFrame) -> Figure:
    from matplotlib.figure import Figure

    invocations = invocations_of(result, data["invocation"])
    runtimes = runtimes_of(result, data["runtime"])
    figure = Figure(figsize=(9.5, 4.2), label=_alt(data))
    panels = figure.subplots(1, len(invocations), squeeze=False)[0]
    for axes, invocation in zip(panels, invocations, strict=True):
        group = data[data["invocation"] == invocation]
        for place, runtime in enumerate(runtimes):
            _line(axes, group[group["runtime"] == runtime], place)
        _firsts(axes, group)
        axes.set_title(invocation)
        axes.set_xlabel("number of the request")
        axes.set_xticks(sorted({1, *map(int, group["request"])}))
        axes.set_ylim(0, None)
        axes.margins(x=0.06)
    panels[0].set_ylabel("CPU per request (ms)")
    _legend(figure, data, runtimes)
    return figure


def _line(axes: Axes, rows: pd.DataFrame, place: int) -> None:
    """The requests of one runtime with their intervals, and its warm level."""
    if rows.empty:
        return
    colour = runtime_colour(str(rows["runtime"].iloc[0]))
    known = rows.dropna(subset=["low", "high"])
    axes.fill_between(
        known["request"], known["low"], known["high"], color=colour, alpha=0.18,
        linewidth=0,
    )  # fmt: skip
    axes.plot(
        rows["request"], rows["cpu_ms"], color=colour,
        marker=_SHAPES[place % len(_SHAPES)], markersize=4.5,
        markeredgecolor="white", markeredgewidth=0.5,
    )  # fmt: skip
    warm = number(rows["warm_ms"].iloc[0])
    if warm is not None:
        axes.axhline(warm, color=colour, linewidth=1.1, linestyle=(0, (5, 2)), zorder=1)


def _firsts(axes: Axes, group: pd.DataFrame) -> None:
    """How many times the warm cost the first request takes, where costs have fallen
    and the panel is empty."""
    first = group[group["request"] == 1].dropna(subset=["warm_ms"])
    first = first[first["warm_ms"] > 0].sort_values("cpu_ms", ascending=False)
    for line, row in enumerate(first.to_dict("records")):
        times = factor(row["cpu_ms"] / row["warm_ms"])
        axes.annotate(
            f"{spoken(row['runtime'])}: first is {times} warm",
            (1, 1),
            xycoords="axes fraction",
            xytext=(-2, -4 - 12 * line),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=8,
            color=INK,
        )


def _legend(figure: Figure, data: pd.DataFrame, runtimes: list[str]) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for place, runtime in enumerate(runtimes):
        counts = data.loc[data["runtime"] == runtime, "n"].dropna()
        n = f", n = {int(counts.max()):,}" if len(counts) else ""
        handles.append(
            Line2D(
                [], [], color=runtime_colour(runtime), markersize=5,
                marker=_SHAPES[place % len(_SHAPES)],
                label=f"{spoken(runtime)}{n}",
            )
        )  # fmt: skip
    handles.append(
        Line2D([], [], color=INK, linewidth=1.1, linestyle=(0, (5, 2)),
               label="warm level of the same colour")
    )  # fmt: skip
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        title="bands are 95 % intervals over n fresh isolates or processes",
        title_fontsize=8.5,
    )


def _alt(data: pd.DataFrame) -> str:
    """The figure in words: first, second and last request, and the warm level."""
    parts = []
    for (runtime, invocation), group in data.groupby(
        ["runtime", "invocation"], sort=False
    ):
        costs = group.sort_values("request")["cpu_ms"].tolist()
        chosen = [*costs[:2], costs[-1]] if len(costs) > 2 else costs
        warm = number(group["warm_ms"].iloc[0])
        level = "" if warm is None else f"; warm {milliseconds(warm)} ms"
        parts.append(
            f"{invocation} in {spoken(runtime)}: "
            f"{', '.join(map(milliseconds, chosen))} ms{level}"
        )
    return (
        f"CPU of the first, the second and the last of the first requests of a fresh "
        f"process. {'. '.join(parts)}."
    )
