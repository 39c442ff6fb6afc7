"""The decision matrix as a picture: workloads down, limit profiles across.

A cell has the symbol of its verdict, the share of draws that agree, and where a verdict
is about requests their number. The worse the verdict the darker the cell, so that grey
tells them apart; a frame and a sign mark what is not as the article says.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from bench.figures._common import INK, PALETTE, empty, lighter, number, styled
from bench.figures._contest import Row
from bench.platform import LimitProfile
from bench.verdict._matrix_terms import NOT_MEASURED, UNTIL, rounded
from bench.verdict.answer import FITS, TOO_MUCH
from bench.verdict.matrix_text import SYMBOLS, by_workload, kind, profiles

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Does it fit: every workload against every limit"
SOURCE = "matrix"

_SAID = {
    FITS: "fits",
    UNTIL: "fits until so many requests per isolate",
    TOO_MUCH: "does not fit",
    NOT_MEASURED: "not measured",
}
_OTHER = "\N{NOT EQUAL TO}"
_LETTERS = 30  # of a title, and
_COLUMN = 14  # of a column's name, on one line
_COLUMNS = [
    "workload", "profile", "article", "verdict", "requests", "confidence", "margin_ms",
    "margin_low", "margin_high", "driver", "choice", "agrees",
]  # fmt: skip


def _look() -> dict[str, tuple[Any, str]]:
    """Fill and letters; lightness falls from verdict to verdict."""
    return {
        FITS: (lighter(PALETTE[0], 0.72), INK),
        UNTIL: (PALETTE[1], INK),
        TOO_MUCH: (PALETTE[13], "white"),
        NOT_MEASURED: ("white", INK),
    }


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """The matrix; the frame has a row a cell."""
    import pandas as pd

    rows = [row for found in by_workload(result).values() for row in found.values()]
    data = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    with styled():
        if not rows:
            return empty("No workload was judged: there is no matrix to draw."), data
        return _figure(result), data


def _figure(result: Row) -> Figure:
    from matplotlib.figure import Figure

    found, names = by_workload(result), profiles(result)
    size = (3.4 + 1.15 * (len(names) + 1), 1.9 + 0.52 * len(found))
    figure = Figure(figsize=(max(size[0], 8.0), size[1]), label=_alt(result))
    axes = figure.subplots()
    for down, rows in enumerate(found.values()):
        first = next(iter(rows.values()))
        _article(axes, down, _cut(first.get("article"), _COLUMN))
        for across, name in enumerate(names, start=1):
            if name in rows:
                _cell(axes, across, down, rows[name])
    titles = [_title(rows) for rows in found.values()]
    axes.set_xlim(-0.5, len(names) + 0.5)
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_yticks(range(len(found)), titles)
    heads = ["the article"] + [_head(result, name) for name in names]
    axes.set_xticks(range(len(heads)), heads)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    _legend(figure, result)
    return figure


def _title(rows: dict[str, Row]) -> str:
    first = next(iter(rows.values()))
    return _cut(first.get("title") or first.get("workload"), _LETTERS)


def _head(result: Row, name: str) -> str:
    limit = next(
        (number(r.get("limit_ms")) for r in result["rows"] if _is(r, name)), None
    )
    unit = "" if limit is None else f"\n{limit:,g} ms"
    return f"{_cut(name, _COLUMN)}{unit}"


def _is(row: Any, profile: str) -> bool:
    return isinstance(row, dict) and str(row.get("profile")) == profile


def _cut(text: object, width: int) -> str:
    """On at most two lines of ``width`` letters."""
    lines = textwrap.wrap(str(text), width, max_lines=2, placeholder=" ...")
    return "\n".join(line[: width + 4] for line in lines)


def _article(axes: Axes, down: int, text: str) -> None:
    axes.text(0, down, text, ha="center", va="center", fontsize=8.5, color="#555555")


def _cell(axes: Axes, across: int, down: int, row: Row) -> None:
    from matplotlib.patches import Rectangle

    verdict = kind(row)
    fill, ink = _look().get(verdict, _look()[NOT_MEASURED])
    look: dict[str, Any] = {"facecolor": fill, "edgecolor": "#c9c9c9", "linewidth": 0.8}
    if verdict not in _look() or verdict == NOT_MEASURED:
        look["hatch"] = "///"
    if row.get("agrees") == "no":
        look |= {"edgecolor": INK, "linewidth": 2.4}
        # A frame around a dark cell does not show in grey.
        sign = (across + 0.37, down - 0.24)
        axes.text(*sign, _OTHER, ha="center", va="center", color=ink)
    corner = (across - 0.46, down - 0.42)
    axes.add_patch(Rectangle(corner, 0.92, 0.84, **look))
    requests, sure = number(row.get("requests")), number(row.get("confidence"))
    until = "" if requests is None else f" {rounded(requests)}"
    # Letters on a hatch need ground of their own.
    ground = {"boxstyle": "round,pad=0.15", "facecolor": fill, "linewidth": 0}
    axes.text(
        across,
        down - (0.14 if sure is not None else 0),
        f"{SYMBOLS.get(verdict, SYMBOLS[NOT_MEASURED])}{until}",
        ha="center",
        va="center",
        fontsize=12 if not until else 10,
        fontweight="bold",
        color=ink,
        bbox=ground if "hatch" in look else None,
    )
    if sure is not None:
        text = f"{sure:.0%}" if abs(sure) <= 1 else "?"
        place = (across, down + 0.24)
        axes.text(*place, text, ha="center", va="center", fontsize=7.5, color=ink)


def _legend(figure: Figure, result: Row) -> None:
    from matplotlib.patches import Patch

    present = {kind(row) for row in result["rows"] if isinstance(row, dict)}
    handles = [
        Patch(
            facecolor=_look()[verdict][0],
            edgecolor="#999999",
            hatch="///" if verdict == NOT_MEASURED else None,
            label=f"{SYMBOLS[verdict]} {said}",
        )
        for verdict, said in _SAID.items()
        if verdict in present
    ]
    handles.append(
        Patch(
            facecolor="white",
            edgecolor=INK,
            linewidth=2.4,
            label=f"{_OTHER} not as the article says",
        )
    )
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=min(len(handles), 3),
        title="%: draws over bank, transfer factor and sample that agree",
        title_fontsize=8.5,
    )


def _alt(result: Row) -> str:
    parts = [
        f"{workload} on {name}: {row.get('verdict')}"
        for workload, rows in by_workload(result).items()
        for name, row in rows.items()
    ]
    return f"Which workload fits which limit of CPU. {'; '.join(parts)}."
