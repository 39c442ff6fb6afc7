"""The legend of the budget figure: a column block an invocation, then the key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._bars import Bar
from bench.figures._common import FLOOR, INK, spoken, stage_colour

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

_ROWS = 6  # one header and five stages: a chat request takes three columns
_TONE = "#717581"
SMALL: dict[str, Any] = {
    "facecolor": "white",
    "edgecolor": "#8a8a8a",
    "hatch": "xxxx",
    "linewidth": 0.8,
}
AROUND: dict[str, Any] = {
    "facecolor": "#eef0f2",
    "edgecolor": _TONE,
    "hatch": "/////",
    "linewidth": 0.8,
}
_LOCKED = "solid is time under the isolate lock, which Workers charges"
_OUTSIDE = "hatched is its thread's CPU outside the lock, which Workers does not charge"
_COMPUTE = "solid is compute"
_CLIENT = "hatched is the HTTP client"


def height(bars: list[Bar]) -> float:
    """Height of the legend in inches."""
    return 0.2 * _ROWS + 0.2 + 0.17 * len(_meaning(bars).splitlines())


def add_legend(figure: Figure, bars: list[Bar]) -> None:
    """Stages by number under the name of their invocation, and what the fills mean."""
    entries: list[tuple[Artist, str]] = []
    headers: list[int] = []
    for invocation, names in _stages(bars).items():
        headers.append(len(entries))
        entries += _columns(invocation, names)
    headers.append(len(entries))
    entries += _key(bars)
    legend = figure.legend(
        *zip(*entries, strict=True),
        loc="outside lower center",
        ncols=len(entries) // _ROWS,
        columnspacing=1.2,
        handlelength=1.3,
        handletextpad=0.5,
        title=_meaning(bars),
        title_fontsize=8.5,
    )
    for place in headers:
        legend.get_texts()[place].set_fontweight("bold")


def _meaning(bars: list[Bar]) -> str:
    """What solid and hatched mean, a line for each runtime."""
    locked = {bar.runtime: bar.charged is not None for bar in bars}
    return "\n".join(
        f"{spoken(runtime)}: {_LOCKED}; {_OUTSIDE}"
        if under_lock
        else f"{spoken(runtime)}: {_COMPUTE}, {_CLIENT}"
        for runtime, under_lock in locked.items()
    )


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


def _key(bars: list[Bar]) -> list[tuple[Artist, str]]:
    from matplotlib.patches import Patch

    entries = [
        (_blank(), "in every bar"),
        (Patch(**AROUND), "around I/O"),
        (Patch(**SMALL), "small stages"),
        (
            Patch(facecolor=FLOOR, edgecolor="#8a8a8a", linewidth=0.8),
            "floor: empty request",
        ),
        (_whisker("|", 6), "whole, 95 % interval"),
    ]
    charged = any(bar.charged for bar in bars)
    last = (_whisker("D", 3.5), "charged, 95 % interval") if charged else (_blank(), "")
    return [*entries, last]


def _whisker(mark: str, size: float) -> Artist:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=INK, marker=mark, markersize=size, linewidth=1.2)


def _blank() -> Artist:
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="")
