"""What every row of the decision matrix costs a Worker, cold and warm, on a log axis.

A dot is the time under the isolate lock, which Workers charges, with its 95 % interval
over groups of processes; all CPU of the thread where the lock is not traced. Limits
are lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._axes import Estimate, log_floor, log_interval, plain_log
from bench.figures._common import (
    INK,
    MARKER,
    empty,
    milliseconds,
    number,
    phases_of,
    runtime_colour,
    styled,
)
from bench.figures._limits import limit_label
from bench.platform import LimitProfile, limit_profiles

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Workloads: what a request is charged"
SOURCE = "workloads"

Row = dict[str, Any]
_PITCH = 0.34  # inches a row
_NEAR = 30  # times the highest; a limit further right would leave no room for the rest
_ROOM = 2.5  # a factor on the axis that the name of the chosen limit takes
_WRONG = "#8a1500"
_APART = {"warm": 0.16, "cold": -0.16}
_COLOUR = {"warm": runtime_colour("workerd"), "cold": runtime_colour("cpython")}
_COLUMNS = [
    "workload", "route", "fixture", "phase", "locked_ms", "locked_low", "locked_high",
    "cpu_ms", "low", "high", "wall_ms", "subrequests", "n", "error",
]  # fmt: skip


def draw(
    result: Row, samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """One line a case, both phases on it; the frame has every row of the document."""
    import pandas as pd

    rows = list(result.get("rows") or [])
    data = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    with styled():
        if not any(_charged(row) for row in rows):
            return empty("No workload was measured."), data
        return _figure(rows, limits), data


def _charged(row: Row) -> Estimate | None:
    if row.get("error"):
        return None
    for keys in (("locked_ms", "locked_low", "locked_high"), ("cpu_ms", "low", "high")):
        value = number(row.get(keys[0]))
        if value is not None:
            return Estimate(value, number(row.get(keys[1])), number(row.get(keys[2])))
    return None


def _figure(rows: list[Row], limits: LimitProfile) -> Figure:
    from matplotlib.figure import Figure

    cases: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        cases.setdefault(_case(row), []).append(row)
    phases = phases_of(str(row.get("phase")) for row in rows)
    inches = 1.5 + _PITCH * len(cases)
    figure = Figure(figsize=(9.5, inches), label=_alt(rows))
    axes = figure.subplots()
    known = [found for row in rows if (found := _charged(row)) is not None]
    edge = log_floor(known, 1e-3)
    highest = max(each.high or each.value for each in known)
    axes.set_xscale("log")
    near = limits.cpu_ms < _NEAR * highest
    axes.set_xlim(edge, 1.6 * (max(highest, limits.cpu_ms) if near else highest))
    for place, mine in enumerate(cases.values()):
        _case_line(axes, place, mine, edge)
    _bands(axes, list(cases))
    _limits(axes, limits)
    plain_log(axes.xaxis)
    label = "charged for one request: ms under the isolate lock, log axis"
    if not near:
        label += f"\n{limits.name[:40]}, {limits.cpu_ms:,g} ms, is far to the right"
    axes.set_xlabel(label)
    _legend(figure, phases)
    return figure


def _case(row: Row) -> tuple[str, str, str]:
    return str(row.get("workload")), str(row.get("route")), str(row.get("fixture"))


def _case_line(axes: Axes, place: int, rows: list[Row], edge: float) -> None:
    for row in rows:
        phase = str(row.get("phase"))
        at = place + _APART.get(phase, 0.0)
        found = _charged(row)
        if found is None:
            why = str(row.get("error") or "was not measured")
            axes.text(
                0.99, at, f"{phase} failed: {why[:60]}", va="center", ha="right",
                transform=axes.get_yaxis_transform(), fontsize=7, fontstyle="italic",
                color=_WRONG,
            )  # fmt: skip
            continue
        # An interval that reaches zero is drawn to the edge, without its arrow.
        low = None if found.low is None else max(found.low, edge)
        log_interval(
            axes, Estimate(found.value, low, found.high), at, edge,
            color=_COLOUR.get(phase, INK), marker=MARKER.get(phase, "s"), markersize=5,
        )  # fmt: skip


def _bands(axes: Axes, cases: list[tuple[str, str, str]]) -> None:
    """A name for every line; every second workload on grey."""
    names = list(dict.fromkeys(workload for workload, _, _ in cases))
    for place, (workload, _, _) in enumerate(cases):
        if names.index(workload) % 2:
            axes.axhspan(place - 0.5, place + 0.5, color="#f1f1f1", zorder=0)
    labels = []
    for workload, route, fixture in cases:
        way = "" if route == "native" else f" {route},"
        labels.append(f"{workload.replace('_', ' ')},{way} {fixture}")
    axes.set_yticks(range(len(cases)), labels, fontsize=8)
    axes.set_ylim(len(cases) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")


def _limits(axes: Axes, chosen: LimitProfile) -> None:
    """The chosen limit bold; the others thin, where they fall on the axis."""
    right = axes.get_xlim()[1]
    levels: dict[float, list[str]] = {}
    for profile in limit_profiles().values():
        if profile.cpu_ms < right and profile.cpu_ms != chosen.cpu_ms:
            levels.setdefault(profile.cpu_ms, []).append(profile.name)
    for ms in levels:
        axes.axvline(ms, color=INK, linewidth=0.9, linestyle=":", zorder=1)
        if max(ms, chosen.cpu_ms) > _ROOM * min(ms, chosen.cpu_ms):
            axes.annotate(
                f"{ms:g}", (ms, 1), xycoords=("data", "axes fraction"), xytext=(0, 3),
                textcoords="offset points", ha="center", fontsize=7.5, color=INK,
            )  # fmt: skip
    if chosen.cpu_ms >= right:
        return
    label = limit_label(chosen.name[:40], chosen.cpu_ms, scale=False)
    # Placed by hand: the helper of linear axes measures along a linear one.
    axes.axvline(chosen.cpu_ms, color=INK, linewidth=1.8, zorder=1)
    axes.annotate(
        label, (chosen.cpu_ms, 1), xycoords=("data", "axes fraction"), xytext=(0, 3),
        textcoords="offset points", ha="center", va="bottom", fontsize=8,
        fontweight="bold", color=INK,
    )  # fmt: skip


def _legend(figure: Figure, phases: list[str]) -> None:
    from matplotlib.lines import Line2D

    said = {
        "warm": "warm: a request like many before it, 95 %",
        "cold": "cold: the first request of a fresh isolate, 95 %",
    }
    handles = [
        Line2D(
            [], [], color=_COLOUR.get(phase, INK), marker=MARKER.get(phase, "s"),
            markersize=5, linewidth=1.3, label=said.get(phase, phase),
        )
        for phase in phases
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def _alt(rows: list[Row]) -> str:
    parts = []
    for row in rows:
        found = _charged(row)
        cost = "failed" if found is None else f"{milliseconds(found.value)} ms"
        parts.append(f"{' '.join(_case(row))} {row.get('phase')} {cost}")
    return f"What a request of each workload is charged. {'; '.join(parts)}."
