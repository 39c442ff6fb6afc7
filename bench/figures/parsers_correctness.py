"""What each parser gets right and wrong, topic by topic.

Every cell says it in words and in lightness, so that the figure can be printed: light
is right, hatched is wrong, dark is a crash, grey on white is what the standard leaves
free.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.figures._common import INK, empty, spoken, styled
from bench.figures._contest import Row, cut, in_order, listed, named
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "JSON parsers: what each of them gets wrong"
SOURCE = "parsers"

_SUITE = {
    "y": "JSONTestSuite: valid",
    "n": "JSONTestSuite: not JSON",
    "i": "JSONTestSuite: left free",
}
_FILL: dict[str, dict[str, Any]] = {
    "right": {"facecolor": "#dcebf7", "edgecolor": "white"},
    "wrong": {"facecolor": "#ffc24d", "edgecolor": "#a66a00", "hatch": "////"},
    "crashed": {"facecolor": "#5a1408", "edgecolor": "white"},
    "free": {"facecolor": "white", "edgecolor": "#c9c9c9"},
}
_MEANING = {
    "right": "all right",
    "wrong": "wrong: how many of the judged",
    "crashed": "its process crashed: how often",
    "free": "left free: how many it accepts",
}
_COLUMNS = ["group", "parser", "runtime", "cases", "judged", "wrong", "crashed"]
_COLUMNS += ["accepted"]


class Cell(NamedTuple):
    """One parser in one topic, in numbers of cases; ``judged`` are not left free."""

    cases: int
    judged: int
    wrong: int
    crashed: int
    accepted: int

    @property
    def state(self) -> str:
        """What to make of it: the worst that happened."""
        if self.crashed:
            return "crashed"
        if self.wrong:
            return "wrong"
        return "right" if self.judged else "free"

    @property
    def text(self) -> str:
        """The same in the fewest letters."""
        if self.crashed:
            return f"\N{DAGGER}{self.crashed}"
        if self.wrong:
            return f"{self.wrong}/{self.judged}"
        return "\N{CHECK MARK}" if self.judged else f"{self.accepted}/{self.cases}"


Parser = tuple[str, str]  # runtime and name
Grid = dict[str, dict[Parser, Cell]]


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Topics by parsers; the frame has a row a cell, in numbers of cases."""
    import pandas as pd

    grid = _grid(listed(result, "correctness"))
    rows = [
        (topic, name, runtime, cell.cases, *cell[1:])
        for topic, cells in grid.items()
        for (runtime, name), cell in cells.items()
    ]
    data = pd.DataFrame(rows, columns=_COLUMNS)
    with styled():
        if not grid:
            text = "No parser was checked for correctness: there is nothing to show."
            return empty(text), data
        return _figure(grid), data


def _grid(rows: Iterable[Row]) -> Grid:
    """Topic -> parser -> cell, topics as they come and the suite's files last."""
    cases: dict[str, dict[Parser, list[Row]]] = {}
    for row in rows:
        parser = str(row.get("runtime")), str(row.get("parser"))
        topic = cases.setdefault(str(row.get("group")), {})
        topic.setdefault(parser, []).append(row)
    ordered = sorted(cases, key=lambda topic: topic in _SUITE)
    return {
        topic: {parser: _cell(mine) for parser, mine in cases[topic].items()}
        for topic in ordered
    }


def _cell(rows: list[Row]) -> Cell:
    return Cell(
        len(rows),
        sum(row.get("ok") is not None for row in rows),
        sum(row.get("ok") is False for row in rows),
        sum(row.get("found") == "crashed" for row in rows),
        sum(row.get("found") == "accepted" for row in rows),
    )


def _parsers(grid: Grid) -> list[Parser]:
    found = dict.fromkeys(parser for cells in grid.values() for parser in cells)
    order = in_order(runtime for runtime, _ in found)
    return sorted(found, key=lambda parser: order.index(parser[0]))


def _figure(grid: Grid) -> Figure:
    from matplotlib.figure import Figure

    parsers = _parsers(grid)
    names = [f"{named(name)} ({cut(spoken(runtime), 12)})" for runtime, name in parsers]
    above = 0.06 * max(map(len, names))  # inches of the tilted names
    size = (max(3.2 + 0.56 * len(parsers), 6.5), 1.4 + above + 0.31 * len(grid))
    figure = Figure(figsize=size, label=_alt(grid, parsers))
    axes = figure.subplots()
    for down, cells in enumerate(grid.values()):
        for across, parser in enumerate(parsers):
            if parser in cells:
                _draw(axes, across, down, cells[parser])
    axes.set_xlim(-0.5, len(parsers) - 0.5)
    axes.set_ylim(len(grid) - 0.5, -0.5)
    topics = [_SUITE.get(topic, named(topic)) for topic in grid]
    axes.set_yticks(range(len(grid)), topics)
    axes.set_xticks(range(len(parsers)), names, rotation=40, ha="left")
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    _legend(figure, grid)
    return figure


def _draw(axes: Axes, across: int, down: int, cell: Cell) -> None:
    from matplotlib.patches import Rectangle

    corner = (across - 0.48, down - 0.46)
    axes.add_patch(
        Rectangle(corner, 0.96, 0.92, **_FILL[cell.state], linewidth=0.8, zorder=1)
    )
    style: dict[str, Any] = {"color": "white" if cell.state == "crashed" else INK}
    if cell.state == "wrong":
        style["bbox"] = {"boxstyle": "round,pad=0.12", "facecolor": "white"} | {
            "linewidth": 0
        }
    if cell.state == "free":
        style["color"] = "#555555"
    bold = cell.state in {"wrong", "crashed"}
    axes.text(
        across, down, cell.text, ha="center", va="center", fontsize=8, zorder=2,
        fontweight="bold" if bold else "normal", **style,
    )  # fmt: skip


def _legend(figure: Figure, grid: Grid) -> None:
    from matplotlib.patches import Patch

    states = {cell.state for cells in grid.values() for cell in cells.values()}
    figure.legend(
        handles=[
            Patch(**_FILL[state] | {"edgecolor": "#8a8a8a"}, label=meaning)
            for state, meaning in _MEANING.items()
            if state in states
        ],
        loc="outside lower center",
        ncols=2,
    )


def _alt(grid: Grid, parsers: list[Parser]) -> str:
    parts = []
    for runtime, name in parsers:
        mine = {topic: cells[runtime, name] for topic, cells in grid.items()
                if (runtime, name) in cells}  # fmt: skip
        bad = [
            f"{_SUITE.get(topic, topic)} {cell.text}"
            for topic, cell in mine.items()
            if cell.state in {"wrong", "crashed"}
        ]
        parts.append(f"{name}: {', '.join(bad) or 'nothing wrong'}")
    return f"What each JSON parser gets wrong, by topic. {'; '.join(parts)}."
