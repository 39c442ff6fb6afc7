"""What the machine did while the run went on.

A drift, a warm-up that did not end or a noisy neighbour shows as a pattern over the
run order. The sentinel below is a fixed workload: where it moves with the requests,
the machine changed and not the code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._common import (
    MARKER,
    PALETTE,
    empty,
    invocations_of,
    milliseconds,
    phases_of,
    plain_log,
    spoken,
    styled,
    whole_cpu,
)
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "CPU per request in run order, with the sentinel"

_COLOURS = 10
# Above this many points an SVG of single marks is slow to open; they become pixels.
_RASTER = 400


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """CPU in ms against run order by process; the frame has every drawn point."""
    import pandas as pd

    data = _in_order(
        pd.concat(
            [
                whole_cpu(samples).assign(stage="whole"),
                whole_cpu(samples, "sentinel").assign(stage="sentinel"),
            ]
        )
    )
    whole = data[data["stage"] == "whole"]
    with styled():
        if whole.empty:
            text = "No request was measured as a whole: there is no run order to show."
            return empty(text), data
        return _figure(result, whole, data[data["stage"] == "sentinel"]), data


def _in_order(data: pd.DataFrame) -> pd.DataFrame:
    """Rows by run order; cells that each count from zero are laid end to end."""
    end, shift = -1, {}
    for cell, seq in data.groupby("cell", sort=False)["seq"]:
        shift[cell] = end + 1 if seq.min() <= end else 0
        end = max(end, int(seq.max()) + shift[cell])
    seq = data["seq"] + data["cell"].map(shift).astype(float)
    return data.assign(seq=seq).sort_values("seq", kind="stable")


def _figure(
    result: dict[str, Any], whole: pd.DataFrame, sentinel: pd.DataFrame
) -> Figure:
    from matplotlib.figure import Figure

    invocations = invocations_of(result, whole["invocation"])
    panels = len(invocations) + 1
    figure = Figure(figsize=(9.5, 1.1 + 1.75 * panels), label=_alt(whole, sentinel))
    axes = figure.subplots(panels, 1, squeeze=False, sharex=True)[:, 0]
    runtimes = ", ".join(dict.fromkeys(map(spoken, whole["runtime"])))
    for panel, invocation in zip(axes, invocations, strict=False):
        group = whole[whole["invocation"] == invocation]
        _scatter(panel, group)
        panel.set_title(f"{runtimes}, {invocation}")
        panel.set_ylabel("CPU (ms, log)")
    _sentinel(axes[-1], sentinel)
    axes[-1].set_xlabel("run order (number of the turn)")
    _legend(figure, whole)
    return figure


def _scatter(axes: Axes, rows: pd.DataFrame) -> None:
    axes.set_yscale("log")
    for phase in phases_of(rows["phase"]):
        group = rows[rows["phase"] == phase]
        axes.scatter(
            group["seq"],
            group["value"],
            c=_colours(group),
            marker=MARKER.get(phase, "s"),
            s=9 if phase == "warm" else 22,
            linewidths=0,
            alpha=0.75,
            rasterized=len(rows) > _RASTER,
        )
        axes.axhline(
            float(group["value"].median()), color="#555555", linewidth=0.9, zorder=1
        )
    plain_log(axes.yaxis)


def _colours(rows: pd.DataFrame) -> list[str]:
    return [PALETTE[int(process) % _COLOURS] for process in rows["process"]]


def _sentinel(axes: Axes, rows: pd.DataFrame) -> None:
    axes.set_title("sentinel: a fixed workload, which should not move")
    axes.set_ylabel("CPU (ms)")
    if rows.empty:
        axes.text(
            0.5, 0.5, "no sentinel in this run", ha="center", transform=axes.transAxes
        )
        return
    axes.scatter(
        rows["seq"], rows["value"], c=_colours(rows), marker="x", s=12, linewidths=0.9,
        rasterized=len(rows) > _RASTER,
    )  # fmt: skip
    middle = float(rows["value"].median())
    axes.axhline(middle, color="#555555", linewidth=0.9, zorder=1)
    # At least 10 % either way, so that a still sentinel looks still.
    reach = max(0.1 * middle, 1.1 * float((rows["value"] - middle).abs().max()))
    axes.set_ylim(middle - reach, middle + reach)


def _legend(figure: Figure, whole: pd.DataFrame) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color="#717581", marker=MARKER.get(phase, "s"), linestyle="",
               label=phase)
        for phase in phases_of(whole["phase"])
    ]  # fmt: skip
    counts = {
        phase: whole.loc[whole["phase"] == phase, "process"].nunique()
        for phase in phases_of(whole["phase"])
    }
    again = f", repeating after {_COLOURS}" if max(counts.values()) > _COLOURS else ""
    named = ", ".join(f"{count} {phase}" for phase, count in counts.items())
    handles.append(Line2D([], [], color="#555555", linewidth=0.9, label="median"))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        title=f"one colour a process group ({named}){again}",
        title_fontsize=8.5,
    )


def _alt(whole: pd.DataFrame, sentinel: pd.DataFrame) -> str:
    """The figure in words: medians of the first and last third, and the sentinel's."""
    parts = []
    for (invocation, phase), group in whole.groupby(
        ["invocation", "phase"], sort=False
    ):
        parts.append(f"{invocation} {phase} {_drift(group)}")
    parts.append(f"sentinel {_drift(sentinel)}")
    return f"CPU per request against run order. {'; '.join(parts)}."


def _drift(rows: pd.DataFrame) -> str:
    if len(rows) < 6:
        return f"has {len(rows)} samples"
    values = rows.sort_values("seq")["value"]
    third = len(values) // 3
    first, last = values.iloc[:third].median(), values.iloc[-third:].median()
    return (
        f"goes from a median of {milliseconds(first)} to {milliseconds(last)} ms "
        f"in {len(rows):,} samples"
    )
