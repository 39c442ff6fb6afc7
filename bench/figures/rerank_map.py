"""Where re-ranking should happen: the cheapest exact way for each size.

A cell names the way that costs the Worker least, what it costs, and what the next best
costs more. Hatched cells are those where the choice does not matter: the difference is
a small part of the limit, or within its interval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._common import (
    INK,
    PALETTE,
    empty,
    lighter,
    milliseconds,
    number,
    phases_of,
    styled,
)
from bench.figures._contest import Row, job, listed, named
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Re-ranking: which way is cheapest, by size"
SOURCE = "rerank"

_WAYS = {"in_path": 6, "exact": 3, "offload": 0}
_HATCH: dict[str, Any] = {"hatch": "///", "edgecolor": "#9a9a9a", "linewidth": 0}
_COLUMNS = [
    "phase", "k", "dims", "choice", "runner_up", "saves_us", "low", "high", "matters",
    "in_path_us", "offload_us", "exact_us",
]  # fmt: skip


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """A map for each phase; the frame has a row a cell, in us."""
    import pandas as pd

    rows = [row for row in listed(result, "break_even") if all(job(row))]
    data = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    with styled():
        if not rows:
            text = "No two ways to re-rank were measured: there is no choice to map."
            return empty(text), data
        return _figure(rows), data


def _figure(rows: list[Row]) -> Figure:
    from matplotlib.figure import Figure

    phases = phases_of(str(row.get("phase")) for row in rows)
    groups = [[r for r in rows if str(r.get("phase")) == phase] for phase in phases]
    down = [len({job(row)[1] for row in group}) for group in groups]
    across = max(len({job(row)[0] for row in group}) for group in groups)
    size = (max(9.5, 1.5 + 1.5 * across), 1.0 + 0.95 * len(groups) + 0.66 * sum(down))
    figure = Figure(figsize=size, label=_alt(rows))
    axes = figure.subplots(len(groups), 1, squeeze=False, height_ratios=down)[:, 0]
    for panel, phase, group in zip(axes, phases, groups, strict=True):
        _panel(panel, group)
        panel.set_title(f"{named(phase)} requests")
    axes[-1].set_xlabel("matches")
    _legend(figure, rows)
    return figure


def _panel(axes: Axes, group: list[Row]) -> None:
    ks = sorted({job(row)[0] for row in group})
    dims = sorted({job(row)[1] for row in group})
    for row in group:
        k, many = job(row)
        _cell(axes, ks.index(k), dims.index(many), row)
    axes.set_xlim(-0.5, len(ks) - 0.5)
    axes.set_ylim(-0.5, len(dims) - 0.5)
    axes.set_xticks(range(len(ks)), [f"{k:,}" for k in ks])
    axes.set_yticks(range(len(dims)), [f"{many:,}" for many in dims])
    axes.set_ylabel("dimensions")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _cell(axes: Axes, across: int, down: int, row: Row) -> None:
    from matplotlib.patches import Rectangle

    corner, choice = (across - 0.485, down - 0.47), str(row.get("choice"))
    fill = lighter(_colour(choice), 0.55)
    axes.add_patch(Rectangle(corner, 0.97, 0.94, facecolor=fill, linewidth=0))
    if row.get("matters") is not True:
        axes.add_patch(Rectangle(corner, 0.97, 0.94, facecolor="none", **_HATCH))
    axes.text(
        across,
        down,
        f"{named(choice)}\n{_costs(row)}".strip(),
        ha="center",
        va="center",
        fontsize=8,
        linespacing=1.35,
        color=INK,
        bbox={"boxstyle": "round,pad=0.25", "facecolor": "#ffffffe0", "linewidth": 0},
    )


def _way(choice: str) -> str:
    return "offload" if choice.startswith("offload") else choice


def _colour(choice: str) -> str:
    return PALETTE[_WAYS.get(_way(choice), 8)]


def _cost(row: Row) -> float | None:
    """Ms that the Worker pays for what was chosen."""
    us = number(row.get(f"{_way(str(row.get('choice')))}_us"))
    return None if us is None else us / 1000


def _costs(row: Row) -> str:
    """Ms of the choice, and what the next best costs more."""
    mine, saves = _cost(row), number(row.get("saves_us"))
    text = "" if mine is None else f"{milliseconds(mine)} ms"
    if saves is None:
        return text
    more = f"{named(row.get('runner_up'))} +{milliseconds(saves / 1000)}"
    return f"{text}\n{more}".strip()


def _legend(figure: Figure, rows: list[Row]) -> None:
    from matplotlib.patches import Patch

    ways = dict.fromkeys(_way(str(row.get("choice"))) for row in rows)
    handles = [
        Patch(facecolor=lighter(_colour(way), 0.55), label=f"{named(way)} is cheapest")
        for way in ways
    ]
    handles.append(
        Patch(facecolor="white", **_HATCH, label="does not matter, or cannot be told")
    )
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        title="ms of the cheapest way, and what the next best costs more",
        title_fontsize=8.5,
    )


def _alt(rows: list[Row]) -> str:
    parts = []
    for row in rows:
        k, dims = job(row)
        sure = "" if row.get("matters") is True else ", which does not matter"
        costs = _costs(row).replace("\n", ", ")
        parts.append(
            f"{row.get('phase')} {k} x {dims}: {row.get('choice')} {costs}{sure}"
        )
    return f"The cheapest exact way to re-rank by size. {'; '.join(parts)}."
