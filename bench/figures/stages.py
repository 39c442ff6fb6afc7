"""The compute of each stage with its interval, inside the path and alone.

A stage can cost many times more inside the path than over data that is already in the
cache, so both are shown; neither is the truth without the other. The calls that a
stage makes are left out of both.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from bench.figures._common import (
    INK,
    empty,
    milliseconds,
    number,
    phases_of,
    plain_log,
    spoken,
    stage_colour,
    styled,
)
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Compute of each stage, in the path and alone, with intervals"

IN_PATH = "in the path"
_FIELDS = {
    IN_PATH: ("compute_ms", "compute_low", "compute_high"),
    "alone": ("alone_ms", "alone_low", "alone_high"),
}
# A log axis has no zero: what is smaller is drawn at the edge.
_SMALLEST = 1e-4
_SHAPE = {False: "o", True: "s"}
_APART = 0.17  # rows between a stage in the path and the same alone

_Stage = tuple[str, str, str]  # runtime, invocation, stage


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Intervals in ms of CPU; the frame has a row a dot, with both ends."""
    data = _table(result)
    with styled():
        if data.empty:
            return empty("No stage was measured: there is no interval to show."), data
        return _figure(data), data


def _table(result: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    columns = ["runtime", "phase", "invocation", "stage", "measured"]
    columns += ["cpu_ms", "low", "high", "n"]
    rows = []
    for row in result.get("rows") or []:
        if row.get("error"):
            continue
        head = [str(row.get(key)) for key in columns[:4]]
        for name, (middle, low, high) in _FIELDS.items():
            value = number(row.get(middle))
            if value is not None:
                ends = (number(row.get(low)), number(row.get(high)))
                rows.append((*head, name, value, *ends, row.get("n")))
    return pd.DataFrame(rows, columns=columns)


def _figure(data: pd.DataFrame) -> Figure:
    from matplotlib.figure import Figure

    places = _places(data)
    phases = phases_of(data["phase"])
    runtimes = ", ".join(dict.fromkeys(map(spoken, data["runtime"])))
    figure = Figure(
        figsize=(9.5, 1.6 + 0.27 * (max(places.values()) + 1)), label=_alt(data)
    )
    # One scale: a stage that costs the same cold and warm stands in the same place.
    panels = figure.subplots(1, len(phases), squeeze=False, sharex=True, sharey=True)[0]
    for axes, phase in zip(panels, phases, strict=True):
        _panel(axes, data[data["phase"] == phase], places)
        axes.set_title(f"{runtimes}, {phase}")
    _names(panels[0], places)
    _legend(figure, data)
    return figure


def _stage(row: dict[Hashable, Any]) -> _Stage:
    return str(row["runtime"]), str(row["invocation"]), str(row["stage"])


def _places(data: pd.DataFrame) -> dict[_Stage, float]:
    """Row of each stage from the top; a gap and a name before each invocation."""
    keys = list(dict.fromkeys(map(_stage, data.to_dict("records"))))
    groups = dict.fromkeys(key[:2] for key in keys)
    places: dict[_Stage, float] = {}
    row = 0.0
    for group in groups:
        row += 1.0
        for key in keys:
            if key[:2] == group:
                places[key] = row
                row += 1.0
    return places


def _panel(axes: Axes, rows: pd.DataFrame, places: dict[_Stage, float]) -> None:
    axes.set_xscale("log")
    drawn = rows.to_dict("records")
    paired = {_stage(row) for row in drawn if row["measured"] == "alone"}
    for row in drawn:
        alone = row["measured"] == "alone"
        shift = _APART * (1 if alone else -1) if _stage(row) in paired else 0.0
        _interval(axes, row, places[_stage(row)] + shift)
    axes.set_xlabel("compute CPU per request (ms, log scale)")
    axes.tick_params(axis="y", length=0)
    plain_log(axes.xaxis)


def _interval(axes: Axes, row: dict[Hashable, Any], place: float) -> None:
    colour = stage_colour(str(row["stage"]))
    value = max(float(row["cpu_ms"]), _SMALLEST)
    low, high = number(row["low"]), number(row["high"])
    if low is not None and high is not None:
        ends = [max(low, _SMALLEST), max(high, _SMALLEST)]
        axes.plot(ends, [place] * 2, "-|", color=colour, markersize=6, linewidth=1.3)
    alone = row["measured"] == "alone"
    axes.plot(
        [value],
        [place],
        _SHAPE[alone],
        color=colour,
        markerfacecolor="white" if alone else colour,
        markersize=4.5,
        zorder=4,
    )


def _names(axes: Axes, places: dict[_Stage, float]) -> None:
    """Stage names at their rows, invocation names in bold above each group."""
    several = len({runtime for runtime, _, _ in places}) > 1
    heads: dict[tuple[str, str], float] = {}
    for (runtime, invocation, _), place in places.items():
        heads.setdefault((runtime, invocation), place - 1)
    marks = {place: stage for (_, _, stage), place in places.items()}
    for (runtime, invocation), place in heads.items():
        marks[place] = f"{invocation}, {runtime}" if several else invocation
    axes.set_yticks(list(marks), list(marks.values()))
    for place, label in zip(marks, axes.get_yticklabels(), strict=True):
        if place in heads.values():
            label.set_fontweight("bold")
    axes.set_ylim(max(marks) + 0.7, -0.6)


def _legend(figure: Figure, data: pd.DataFrame) -> None:
    from matplotlib.lines import Line2D

    present = set(data["measured"])
    handles = [
        Line2D(
            [],
            [],
            color=INK,
            marker=_SHAPE[name == "alone"],
            markerfacecolor="white" if name == "alone" else INK,
            linestyle="-",
            label=f"{name}, 95 % interval",
        )
        for name in _FIELDS
        if name in present
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)


def _alt(data: pd.DataFrame) -> str:
    """The figure in words: the three costliest stages of each phase."""
    parts = []
    path = data[data["measured"] == IN_PATH]
    for phase, group in path.groupby("phase", sort=False):
        top = group.nlargest(3, "cpu_ms").to_dict("records")
        names = ", ".join(f"{r['stage']} {milliseconds(r['cpu_ms'])} ms" for r in top)
        parts.append(f"{phase}: {names}")
    return f"Intervals of compute per stage. Costliest in the path: {'; '.join(parts)}."
