"""Each stage with its interval: inside the path warm and cold, and alone.

A stage can cost many times more inside the path than over data that is already in the
cache, so both are shown, with how many times that is; neither is the truth without
the other. What is compared depends on the runtime: where a stage alone makes its
calls, it stands beside its whole CPU in the path, and elsewhere beside its compute.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from bench.figures._axes import (
    Estimate,
    beyond_key,
    factor,
    log_floor,
    log_interval,
    plain_log,
)
from bench.figures._common import (
    INK,
    MARKER,
    empty,
    milliseconds,
    number,
    phases_of,
    runtimes_of,
    spoken,
    stage_colour,
    styled,
)
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Each stage in the path and alone, with intervals"

IN_PATH, ALONE = "in the path", "alone"
COMPUTE, WITH_CALLS = "compute", "CPU with calls"
_FIELDS = {
    COMPUTE: ("compute_ms", "compute_low", "compute_high"),
    WITH_CALLS: ("cpu_ms", "low", "high"),
    ALONE: ("alone_ms", "alone_low", "alone_high"),
}
# What is smaller is noise, in ms: a log axis has no zero to draw it at.
_SMALLEST = 1e-4
_APART = 0.25  # rows between the marks of one stage
_MANY = 3.0  # a factor from which on it is bold

_Stage = tuple[str, str]  # invocation, stage


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Intervals in ms of CPU; the frame has a row a dot, with both ends."""
    data = _table(result)
    with styled():
        if data.empty:
            return empty("No stage was measured: there is no interval to show."), data
        return _figure(result, data), data


def _table(result: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    columns = ["runtime", "phase", "invocation", "stage", "measured", "what"]
    columns += ["cpu_ms", "low", "high", "n"]
    rows = []
    for row in result.get("rows") or []:
        if row.get("error"):
            continue
        head = [str(row.get(key)) for key in columns[:4]]
        what = WITH_CALLS if row.get("alone_has_calls") else COMPUTE
        for measured, fields in ((IN_PATH, _FIELDS[what]), (ALONE, _FIELDS[ALONE])):
            value, low, high = (number(row.get(field)) for field in fields)
            if value is not None:
                rows.append((*head, measured, what, value, low, high, row.get("n")))
    return pd.DataFrame(rows, columns=columns)


def _figure(result: dict[str, Any], data: pd.DataFrame) -> Figure:
    from matplotlib.figure import Figure

    places = _places(data)
    runtimes = runtimes_of(result, data["runtime"])
    rows = max(places.values()) + 1
    figure = Figure(figsize=(9.5, 1.5 + 0.34 * rows), label=_alt(data))
    # One scale: what costs the same in two runtimes stands in the same place.
    panels = figure.subplots(1, len(runtimes), squeeze=False, sharex=True, sharey=True)
    edge = log_floor(list(_estimates(data)), _SMALLEST)
    for axes, runtime in zip(panels[0], runtimes, strict=True):
        group = data[data["runtime"] == runtime]
        _panel(axes, group, places, edge)
        axes.set_title(f"{spoken(runtime)}: {', '.join(dict.fromkeys(group['what']))}")
    for axes in panels[0]:
        axes.set_xlim(edge, axes.get_xlim()[1])
        plain_log(axes.xaxis)
    _names(panels[0][0], places)
    _legend(figure, data, edge)
    return figure


def _estimates(data: pd.DataFrame) -> list[Estimate]:
    return [_estimate(row) for row in data.to_dict("records")]


def _estimate(row: dict[Hashable, Any]) -> Estimate:
    return Estimate(float(row["cpu_ms"]), number(row["low"]), number(row["high"]))


def _stage(row: dict[Hashable, Any]) -> _Stage:
    return str(row["invocation"]), str(row["stage"])


def _places(data: pd.DataFrame) -> dict[_Stage, float]:
    """Row of each stage from the top; a gap and a name before each invocation."""
    keys = list(dict.fromkeys(map(_stage, data.to_dict("records"))))
    places: dict[_Stage, float] = {}
    row = 0.0
    for invocation in dict.fromkeys(key[0] for key in keys):
        row += 1.0
        for key in keys:
            if key[0] == invocation:
                places[key] = row
                row += 1.0
    return places


def _panel(
    axes: Axes, rows: pd.DataFrame, places: dict[_Stage, float], edge: float
) -> None:
    axes.set_xscale("log")
    axes.set_xlim(left=edge)
    shifts = _shifts(rows)
    for row in rows.to_dict("records"):
        place = places[_stage(row)] + shifts[row["measured"], row["phase"]]
        log_interval(axes, _estimate(row), place, edge, **_mark(row))
    _factors(axes, rows, places)
    axes.set_xlabel("CPU per request (ms, log scale)")
    axes.tick_params(axis="y", length=0)


def _shifts(rows: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Distance from the row's middle of each kind of mark: none lies on another."""
    seen = set(zip(rows["measured"], rows["phase"], strict=True))
    order = [
        (measured, phase)
        for phase in reversed(phases_of(rows["phase"]))
        for measured in (IN_PATH, ALONE)
        if (measured, phase) in seen
    ]
    middle = (len(order) - 1) / 2
    return {kind: _APART * (place - middle) for place, kind in enumerate(order)}


def _mark(row: dict[Hashable, Any]) -> dict[str, Any]:
    colour = stage_colour(str(row["stage"]))
    if row["measured"] == ALONE:
        return {"color": colour, "marker": "s", "markerfacecolor": "white"} | _SIZE
    marker = MARKER.get(str(row["phase"]), "D")
    return {"color": colour, "marker": marker, "markerfacecolor": colour} | _SIZE


_SIZE = {"markersize": 4.5}


def _factors(axes: Axes, rows: pd.DataFrame, places: dict[_Stage, float]) -> None:
    """How many times more a stage costs in the path, in a column right of the axes."""
    phases = set(rows.loc[rows["measured"] == ALONE, "phase"])
    found: dict[_Stage, dict[str, Estimate]] = {}
    for row in rows[rows["phase"].isin(phases)].to_dict("records"):
        found.setdefault(_stage(row), {})[row["measured"]] = _estimate(row)
    pairs = {stage: pair for stage, pair in found.items() if len(pair) == 2}
    if not pairs:
        return
    _beside(axes, -0.05, "path / alone", "normal")
    for stage, pair in pairs.items():
        path, alone = pair[IN_PATH], pair[ALONE]
        if alone.value <= 0 or path.value <= 0 or (path.low or 0.0) <= 0:
            _beside(axes, places[stage], "unclear", "normal")
            continue
        times = path.value / alone.value
        weight = "bold" if times >= _MANY else "normal"
        _beside(axes, places[stage], factor(times), weight)


def _beside(axes: Axes, place: float, text: str, weight: str) -> None:
    axes.annotate(
        text,
        (1, place),
        xycoords=("axes fraction", "data"),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        fontweight=weight,
        color="#777777" if text == "unclear" else INK,
    )


def _names(axes: Axes, places: dict[_Stage, float]) -> None:
    """Stage names at their rows, invocation names in bold above each group."""
    heads: dict[str, float] = {}
    for (invocation, _), place in places.items():
        heads.setdefault(invocation, place - 1)
    marks = {place: stage for (_, stage), place in places.items()}
    marks |= {place: invocation for invocation, place in heads.items()}
    axes.set_yticks(list(marks), list(marks.values()))
    for place, label in zip(marks, axes.get_yticklabels(), strict=True):
        if place in heads.values():
            label.set_fontweight("bold")
    axes.set_ylim(max(marks) + 0.7, -0.6)


def _legend(figure: Figure, data: pd.DataFrame, edge: float) -> None:
    from matplotlib.lines import Line2D

    kinds = dict.fromkeys(
        (measured, phase)
        for phase in phases_of(data["phase"])
        for measured in (IN_PATH, ALONE)
        if ((data["measured"] == measured) & (data["phase"] == phase)).any()
    )
    handles = [
        Line2D(
            [], [], color=INK, linestyle="-", label=f"{phase} {measured}",
            marker="s" if measured == ALONE else MARKER.get(phase, "D"),
            markerfacecolor="white" if measured == ALONE else INK,
        )
        for measured, phase in kinds
    ]  # fmt: skip
    if any(e.value < edge or (e.low or edge) < edge for e in _estimates(data)):
        handles.append(beyond_key())
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=4,
        title="dots with 95 % intervals; path / alone: how many times a warm stage "
        "costs what it costs by itself",
        title_fontsize=8.5,
    )


def _alt(data: pd.DataFrame) -> str:
    """The figure in words: the three costliest stages of each runtime and phase."""
    parts = []
    path = data[data["measured"] == IN_PATH]
    for (runtime, phase), group in path.groupby(["runtime", "phase"], sort=False):
        top = group.nlargest(3, "cpu_ms").to_dict("records")
        names = ", ".join(f"{r['stage']} {milliseconds(r['cpu_ms'])} ms" for r in top)
        parts.append(f"{spoken(runtime)} {phase} ({top[0]['what']}): {names}")
    return f"Intervals of CPU per stage. Costliest in the path: {'; '.join(parts)}."
