"""Where the CPU of a warm Worker goes: a flame graph of sampled stacks.

A bar is a function, what it calls lies above it, and its width is the time of a request
that samples fell into it or into what it calls. Callees stand in the order of their
names: the axis is no time line (Gregg, flame graphs).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.figures._common import INK, PALETTE, empty, number, plain, styled
from bench.figures._contest import cut, listed
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Flame graph: where the CPU of a request goes"
SOURCE = "worker"

Row = dict[str, Any]
_WIDTH, _PITCH, _HEAD = 11.0, 0.2, 1.3  # inches: of all, of a row, of what is no row
_LETTERS = 11.5  # that fit in an inch
_LEAST = 3  # letters that are worth showing
_DEEPEST = 48  # rows
_THIN = 0.001  # of the whole: a bar that nobody would see


@dataclass(slots=True)
class _Node:
    """A function and what it calls: ms of both together."""

    ms: float = 0.0
    calls: dict[str, _Node] = field(default_factory=dict)


def draw(
    result: Row, samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """One bar a function and caller; the frame has a row for each stack."""
    import pandas as pd

    stacks = [found for row in listed(result, "flame") if (found := _stack(row))]
    frame = [(";".join(names), ms) for names, ms in stacks]
    data = pd.DataFrame(frame, columns=["stack", "self_ms"])
    with styled():
        if not stacks:
            return empty("No function was sampled: there is no flame graph."), data
        return _figure(_tree(stacks)), data


def _stack(row: Row) -> tuple[tuple[str, ...], float] | None:
    names, ms = row.get("stack"), number(row.get("self_ms"))
    if not isinstance(names, list) or not names or ms is None or ms <= 0:
        return None
    return tuple(map(str, names[:_DEEPEST])), ms


def _tree(stacks: list[tuple[tuple[str, ...], float]]) -> _Node:
    root = _Node()
    for names, ms in stacks:
        at = root
        at.ms += ms
        for name in names:
            at = at.calls.setdefault(name, _Node())
            at.ms += ms
    return root


def _figure(root: _Node) -> Figure:
    from matplotlib.figure import Figure

    rows = max(_depth(root, root.ms * _THIN), 3)
    figure = Figure(figsize=(_WIDTH, _HEAD + _PITCH * rows), label=_alt(root))
    axes = figure.subplots()
    axes.set_xlim(0, root.ms)
    axes.set_ylim(0, rows)
    _bars(axes, root, 0.0, 0, root.ms)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_xlabel(
        "sampled in a request of the warm mix (ms); the axis is no time line"
    )
    return figure


def _depth(node: _Node, least: float) -> int:
    return max((1 + _depth(n, least) for n in _seen(node, least).values()), default=0)


def _seen(node: _Node, least: float) -> dict[str, _Node]:
    return {name: each for name, each in node.calls.items() if each.ms >= least}


def _bars(axes: Axes, node: _Node, left: float, row: int, whole: float) -> None:
    """The bars of what ``node`` calls, from ``left`` on, and of what those call."""
    for name, each in sorted(_seen(node, whole * _THIN).items()):
        axes.barh(
            row + 0.5, each.ms, left=left, height=0.94, color=_colour(name),
            edgecolor="white", linewidth=0.4,
        )  # fmt: skip
        letters = int(each.ms / whole * _WIDTH * _LETTERS) - 1
        if letters >= _LEAST:
            axes.text(
                left + each.ms / 2, row + 0.5, plain(cut(name, letters)),
                ha="center", va="center", fontsize=6.5, color=INK, clip_on=True,
            )  # fmt: skip
        _bars(axes, each, left, row + 1, whole)
        left += each.ms


def _colour(name: str) -> str:
    """V8's own names are grey, a function has the colour of its file."""
    if name.startswith("(") and " " not in name.partition(")")[2]:
        return "#d9dde2"
    file = name.rpartition(" ")[2].partition(":")[0]
    return _PALE[sum(file.encode()) % len(_PALE)]


def _pale(colour: str) -> str:
    """Two thirds of the way to white, so that black letters can be read on it."""
    parts = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{(each + 2 * 255) // 3:02x}" for each in parts)


_PALE = [_pale(each) for each in PALETTE]


def _alt(root: _Node) -> str:
    dearest = sorted(root.calls.items(), key=lambda item: -item[1].ms)[:6]
    said = ", ".join(f"{name} {each.ms / root.ms:.0%}" for name, each in dearest)
    return f"A flame graph of {root.ms:.3g} ms of a request; at its foot are {said}."
