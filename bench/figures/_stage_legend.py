"""The legend of the budget figure: a column block an invocation, then the key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._bars import Bar
from bench.figures._common import FLOOR, lighter, stage_colour

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

_ROWS = 6  # one header and five stages: a chat request takes three columns
SMALL: dict[str, Any] = {
    "facecolor": "white",
    "edgecolor": "#8a8a8a",
    "hatch": "xxxx",
    "linewidth": 0.8,
}


def height(bars: list[Bar]) -> float:
    """Height of the legend in inches."""
    return 0.2 * _ROWS + 0.2


def add_legend(figure: Figure, bars: list[Bar]) -> None:
    """Stages by number under the name of their invocation, and what the fills mean."""
    entries: list[tuple[Artist, str]] = []
    headers: list[int] = []
    for invocation, names in _stages(bars).items():
        headers.append(len(entries))
        entries += _columns(invocation, names)
    headers.append(len(entries))
    entries += _key()
    legend = figure.legend(
        *zip(*entries, strict=True),
        loc="outside lower center",
        ncols=len(entries) // _ROWS,
        columnspacing=1.2,
        handlelength=1.3,
        handletextpad=0.5,
    )
    for place in headers:
        legend.get_texts()[place].set_fontweight("bold")


def _stages(bars: list[Bar]) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for bar in bars:
        names = found.setdefault(bar.invocation, {})
        names.update((part.number, part.stage) for part in bar.segments)
    return found


def _columns(invocation: str, names: dict[int, str]) -> list[tuple[Artist, str]]:
    from matplotlib.patches import Patch

    handles: list[tuple[Artist, str]] = [
        (Patch(facecolor=stage_colour(name), linewidth=0), f"{place} {name}")
        for place, name in sorted(names.items())
    ]
    entries: list[tuple[Artist, str]] = []
    for start in range(0, len(handles), _ROWS - 1):
        column = handles[start : start + _ROWS - 1]
        entries.append((_blank(), "" if start else invocation))
        entries += column + [(_blank(), "")] * (_ROWS - 1 - len(column))
    return entries


def _key() -> list[tuple[Artist, str]]:
    from matplotlib.patches import Patch

    tone = "#717581"
    return [
        (_blank(), "in every bar"),
        (Patch(facecolor=tone, linewidth=0), "compute"),
        (
            Patch(facecolor=lighter(tone), edgecolor=tone, hatch="/////", linewidth=0),
            "HTTP client (I/O)",
        ),
        (Patch(**SMALL), "small stages"),
        (
            Patch(facecolor=FLOOR, edgecolor="#8a8a8a", linewidth=0.8),
            "floor: empty request",
        ),
        (_whisker(), "whole, 95 % interval"),
    ]


def _whisker() -> Artist:
    from matplotlib.lines import Line2D

    return Line2D([], [], color="#222222", marker="|", markersize=6, linewidth=1.2)


def _blank() -> Artist:
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="")
