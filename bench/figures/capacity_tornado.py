"""What drives the answers of a plan: each guess at its two ends, the widest on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._common import (
    INK,
    PALETTE,
    empty,
    lighter,
    milliseconds,
    number,
    styled,
)
from bench.figures._contest import Row, cut, listed
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Capacity: what drives the answers"
SOURCE = "capacity"
_TITLES = {
    "killed_share": "requests ended, strictest profile (%)",
    "cold_share": "cold requests (%)",
    "latency_p99": "whole request, p99 (ms)",
    "cost": "Workers and services behind (dollars a month)",
}
_SHARES = frozenset({"killed_share", "cold_share"})
_SMALLEST = 0.005  # of the base; what moves it less is left out
_COLUMNS = [
    "answer", "what", "low_value", "high_value", "base", "answer_low", "answer_high",
    "unit", "n",
]  # fmt: skip


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """A panel for each answer that something drives; the frame has all rows."""
    import pandas as pd

    rows = listed(result, "sensitivity")
    data = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    panels = {answer: found for answer in _TITLES if (found := _drivers(rows, answer))}
    with styled():
        if not panels:
            return empty("No guess drives an answer: there is no tornado."), data
        return _figure(panels), data


def _looks() -> tuple[dict[str, Any], dict[str, Any]]:
    """Of the low end and of the high one, told apart in grey by hatch and width."""
    low = {
        "facecolor": lighter(PALETTE[1], 0.45),
        "edgecolor": PALETTE[6],
        "hatch": "///",
        "linewidth": 0.6,
    }
    return low, {"color": PALETTE[10]}


def _drivers(rows: list[Row], answer: str) -> list[Row]:
    """Rows with both ends known, the widest first, without what moves nothing."""
    mine = []
    for row in rows:
        ends = [number(row.get(key)) for key in ("answer_low", "answer_high", "base")]
        if row.get("answer") != answer or None in ends:
            continue
        low, high, base = (float(end or 0.0) for end in ends)
        wide = max(abs(low - base), abs(high - base))
        if wide > _SMALLEST * abs(base) and wide > 0:
            mine.append((wide, row))
    mine.sort(key=lambda pair: -pair[0])
    return [row for _, row in mine]


def _figure(panels: dict[str, list[Row]]) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    many = [len(rows) for rows in panels.values()]
    inches = 0.9 + 0.75 * len(many) + 0.31 * sum(many)
    figure = Figure(figsize=(9.5, inches), label=_alt(panels))
    axes = figure.subplots(len(many), 1, squeeze=False, height_ratios=many)[:, 0]
    for panel, (answer, rows) in zip(axes, panels.items(), strict=True):
        _panel(panel, answer, rows)
    low, high = _looks()
    figure.legend(
        handles=[
            Patch(**low, label="at the low end of its range"),
            Patch(**high, label="at the high end"),
        ],
        loc="outside lower center",
        ncols=2,
    )
    return figure


def _panel(axes: Axes, answer: str, rows: list[Row]) -> None:
    scale = 100.0 if answer in _SHARES else 1.0
    base = scale * float(rows[0]["base"])
    look = dict(zip(("answer_low", "answer_high"), _looks(), strict=True))
    ends: list[float] = []
    for place, row in enumerate(rows):
        found = {key: scale * float(row[key]) for key in look}
        # The longer bar first, so that one on the same side does not hide the other.
        for key in sorted(look, key=lambda key: -abs(found[key] - base)):
            height = 0.62 if key == "answer_low" else 0.34
            axes.barh(place, found[key] - base, height, left=base, **look[key])
        ends += found.values()
    axes.axvline(base, color=INK, linewidth=1.2, zorder=5)
    left, right = min([*ends, base]), max([*ends, base])
    room = 0.04 * ((right - left) or 1.0)
    axes.set_xlim(left - room, right + room)
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_title(f"{_TITLES[answer]}: {_spoken(base)}")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")


def _label(row: Row) -> str:
    ends = [_end(row.get(key)) for key in ("low_value", "high_value")]
    return f"{cut(str(row.get('what')), 24)}: {ends[0]} to {ends[1]}"


def _end(value: Any) -> str:
    found = number(value)
    if found is None or isinstance(value, str):
        return cut(str(value), 26)
    return f"{found:,.0f}" if abs(found) >= 1000 else f"{found:.3g}"


def _spoken(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else milliseconds(value)


def _alt(panels: dict[str, list[Row]]) -> str:
    parts = []
    for answer, rows in panels.items():
        names = ", ".join(str(row.get("what")) for row in rows[:3])
        parts.append(f"{_TITLES[answer]}: {names}")
    return f"What drives the answers, the strongest first. {'; '.join(parts)}."
