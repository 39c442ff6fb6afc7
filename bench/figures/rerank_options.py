"""What a Worker still pays for each way to re-rank, at the article's job.

Solid is the time under the isolate lock, which Workers charges; hatched is the rest of
the thread's CPU. Waiting for a service is in neither: it stands beside, as latency.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bench.figures._axes import Estimate, aside
from bench.figures._common import (
    INK,
    empty,
    milliseconds,
    number,
    phases_of,
    runtime_colour,
    styled,
)
from bench.figures._contest import (
    WRONG,
    Row,
    cut,
    estimate,
    job,
    limit,
    listed,
    main_job,
    named,
    spoken_job,
)
from bench.figures._limits import limit_label, limit_line, off_axis
from bench.figures._stage_legend import AROUND
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Re-ranking: what the Worker still pays"
SOURCE = "rerank"

MEANING = {
    "off": "the index's order as it is",
    "metadata": "index scores, custom score",
    "exact": "exact scores of the index",
    "in_path": "cosine in the Worker",
    "offload_json": "values sent on as JSON",
    "offload_binary": "values sent on as float32",
    "offload_ids": "ids sent, values stay",
}
_HEIGHT = 0.6
_PITCH = 0.5  # inches a bar
_NEAR = 1.7  # bar lengths; a limit further right would flatten the bars
_COLUMNS = [
    "phase", "option", "k", "dims", "locked_us", "locked_low", "locked_high",
    "worker_cpu_us", "worker_low", "worker_high", "round_trip_ms", "request_bytes",
    "response_bytes", "n", "error",
]  # fmt: skip
_PHASES = {
    "warm": "warm: a request like many before it",
    "cold": "cold: the first request of a fresh isolate",
}


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Bars in ms of CPU at the main job; the frame has the options at every job."""
    import pandas as pd

    rows = listed(result, "options")
    data = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    with styled():
        main = main_job(rows)
        mine = [row for row in rows if job(row) == main]
        if not any(_whole(row) for row in mine):
            return empty("No request of a Worker that re-ranks was measured."), data
        return _figure(result, mine, limits), data


def _whole(row: Row) -> Estimate | None:
    """All CPU of the thread in ms."""
    return _in_ms(row, "worker_cpu_us", "worker_low", "worker_high")


def _locked(row: Row) -> Estimate | None:
    """Time under the isolate lock in ms; None where this workerd does not trace it."""
    return _in_ms(row, "locked_us", "locked_low", "locked_high")


def _in_ms(row: Row, *keys: str) -> Estimate | None:
    found = None if row.get("error") else estimate(row, *keys)
    if found is None:
        return None
    low, high = (None if end is None else end / 1000 for end in found[1:])
    return Estimate(found.value / 1000, low, high)


def _figure(result: Row, rows: list[Row], limits: LimitProfile) -> Figure:
    from matplotlib.figure import Figure

    phases = phases_of(str(row.get("phase")) for row in rows)
    groups = [[r for r in rows if str(r.get("phase")) == phase] for phase in phases]
    many = [len(group) for group in groups]
    inches = 1.1 + 0.8 * len(groups) + _PITCH * sum(many)
    figure = Figure(figsize=(9.5, inches), label=_alt(rows))
    axes = figure.subplots(len(groups), 1, squeeze=False, height_ratios=many)[:, 0]
    title = f"{spoken_job(*job(rows[0]))} values"
    name, ms = limit(result)
    level = (name, ms) if ms else (limits.name, limits.cpu_ms)
    for panel, phase, group in zip(axes, phases, groups, strict=True):
        _panel(panel, group, *level)
        panel.set_title(f"{title}, {_PHASES.get(phase, named(phase))}", pad=17)
    axes[-1].set_xlabel(f"CPU of one request (ms)\n{axes[-1].get_xlabel()}".strip())
    _legend(figure, rows)
    return figure


def _panel(axes: Axes, group: list[Row], name: str, limit_ms: float) -> None:
    longest = max((_length(row) for row in group), default=0.0) or 1.0
    near = limit_ms <= _NEAR * longest
    right = max(1.04 * longest, 1.08 * limit_ms if near else 0.0)
    for place, row in enumerate(group):
        _bar(axes, place, row)
    axes.set_xlim(0, right)
    axes.set_ylim(len(group) - 0.4, -0.6)
    names = [named(row.get("option")) for row in group]
    labels = [f"{each}\n{MEANING[each]}" if each in MEANING else each for each in names]
    axes.set_yticks(range(len(group)), labels)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    label = limit_label(cut(name, 40), limit_ms, scale=False)
    if near:
        limit_line(axes, limit_ms, label)
    else:
        off_axis(axes, label, limit_ms / longest, "")


def _length(row: Row) -> float:
    ends = [found for found in (_whole(row), _locked(row)) if found is not None]
    return max((each.high or each.value for each in ends), default=0.0)


def _bar(axes: Axes, place: int, row: Row) -> None:
    whole, locked = _whole(row), _locked(row)
    if whole is None:
        why = cut(str(row.get("error") or "was not measured"), 80)
        axes.text(
            0.01, place, f"failed: {why}", transform=axes.get_yaxis_transform(),
            va="center", fontsize=8, fontstyle="italic", color=WRONG,
        )  # fmt: skip
        return
    solid = max(locked.value, 0.0) if locked else 0.0
    colour = runtime_colour("workerd")
    axes.barh(place, solid, _HEIGHT, color=colour, linewidth=0)
    rest = max(whole.value - solid, 0.0)
    axes.barh(place, rest, _HEIGHT, left=solid, **AROUND)
    for found, marker, down in ((locked, "D", 0.0), (whole, "|", 0.1)):
        if found is None or found.low is None or found.high is None:
            continue
        at = place + 0.33 + down
        style: dict[str, Any] = {"color": INK, "zorder": 6}
        axes.plot([found.low, found.high], [at] * 2, "-|", linewidth=1.2, **style)
        axes.plot([found.value], [at], marker, markersize=3.5, **style)
    _numbers(axes, place, row, whole, locked)


def _numbers(
    axes: Axes, place: int, row: Row, whole: Estimate, locked: Estimate | None
) -> None:
    """What is charged in bold, right of the axes, and what goes over the wire."""
    lines = [f"{_said(whole)} whole"]
    if locked is not None:
        lines.insert(0, f"{_said(locked)} charged")
    wire = [
        f"{size / 1000:,.0f} KB {way}"
        for key, way in (("request_bytes", "out"), ("response_bytes", "in"))
        if (size := number(row.get(key))) is not None
    ]
    trip = number(row.get("round_trip_ms"))
    wire += [f"{milliseconds(trip)} ms round trip"] if trip is not None else []
    lines += [", ".join(wire)] if wire else []
    aside(axes, place, lines, size=7.5, step=10)


def _said(found: Estimate) -> str:
    text = f"{milliseconds(found.value)} ms"
    if found.low is None or found.high is None:
        return text
    return f"{text} [{milliseconds(found.low)}, {milliseconds(found.high)}]"


def _legend(figure: Figure, rows: Iterable[Row]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    known = any(_locked(row) for row in rows)
    style: dict[str, Any] = {"color": INK, "linewidth": 1.2}
    handles: list[Any] = [
        Patch(color=runtime_colour("workerd"), label="under the isolate lock: charged"),
        Patch(**AROUND, label="CPU of its thread outside the lock"),
        Line2D([], [], marker="D", markersize=3.5, label="charged, 95 %", **style),
        Line2D([], [], marker="|", markersize=6, label="whole, 95 %", **style),
    ]
    if not known:
        handles = [Patch(**AROUND, label="CPU of its thread; lock unknown"), handles[3]]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def _alt(rows: list[Row]) -> str:
    parts = []
    for row in rows:
        whole, locked = _whole(row), _locked(row)
        said = "not measured" if whole is None else f"{_said(whole)} of CPU"
        under = f"{_said(locked)} under the lock, " if locked else ""
        parts.append(f"{row.get('option')} {row.get('phase')}: {under}{said}")
    return f"What a Worker pays for each way to re-rank. {'; '.join(parts)}."
