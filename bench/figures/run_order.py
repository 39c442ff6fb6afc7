"""What the machine did while the run went on.

A drift, a warm-up that did not end or a noisy neighbour shows as a pattern over the
run order. The sentinel below is a fixed workload: where it moves with the requests,
the machine changed and not the code. Runtimes run one after the other, so they stand
side by side on the one axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.figures._axes import plain_log
from bench.figures._common import (
    INK,
    MARKER,
    PALETTE,
    empty,
    invocations_of,
    milliseconds,
    phases_of,
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

    requests, fixed = whole_cpu(samples), whole_cpu(samples, "sentinel")
    # Other instruments have sentinels too, in a run order of their own.
    fixed = fixed[fixed["cell"].isin(set(requests["cell"]))]
    both = [requests.assign(stage="whole"), fixed.assign(stage="sentinel")]
    data = _in_order(pd.concat(both))
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
    axes = list(figure.subplots(panels, 1, squeeze=False, sharex=True)[:, 0])
    for panel, invocation in zip(axes, invocations, strict=False):
        _scatter(panel, whole[whole["invocation"] == invocation])
        panel.set_title(invocation, pad=15 if panel is axes[0] else None)
        panel.set_ylabel("CPU (ms, log)")
    _sentinel(axes[-1], sentinel)
    axes[-1].set_xlabel("run order (number of the turn)")
    _runtimes(axes, whole)
    _legend(figure, whole)
    return figure


def _runtimes(axes: Sequence[Axes], whole: pd.DataFrame) -> None:
    """A band for each runtime where it ran, named over the first panel."""
    for place, (runtime, start, end) in enumerate(_spans(whole)):
        for panel in axes:
            if place % 2:
                panel.axvspan(start, end, color="#f3f4f6", linewidth=0, zorder=0)
        axes[0].annotate(
            spoken(runtime),
            ((start + end) / 2, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8.5,
            color=INK,
        )


def _spans(whole: pd.DataFrame) -> list[tuple[str, float, float]]:
    """Runtime with its first and last turn, in run order."""
    spans: list[tuple[str, float, float]] = []
    for (_, runtime), seq in whole.groupby(["cell", "runtime"], sort=False)["seq"]:
        start, end = float(seq.min()) - 0.5, float(seq.max()) + 0.5
        if spans and spans[-1][0] == str(runtime):
            start = spans.pop()[1]
        spans.append((str(runtime), start, end))
    return spans


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
    for _, group in rows.groupby(["cell", "phase"], sort=False):
        ends, middle = [group["seq"].min(), group["seq"].max()], group["value"].median()
        axes.plot(ends, [middle] * 2, color="#555555", linewidth=0.9, zorder=3)
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
    axes.set_ylim(max(middle - reach, 0), middle + reach)


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
    handles.append(
        Line2D([], [], color="#555555", linewidth=0.9, label="median of the phase")
    )
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
    keys = ["runtime", "invocation", "phase"]
    for (runtime, invocation, phase), group in whole.groupby(keys, sort=False):
        parts.append(f"{invocation} {phase} in {spoken(runtime)} {_drift(group)}")
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
