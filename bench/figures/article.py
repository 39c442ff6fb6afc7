"""The article's CPU table against the same work measured here, row by row.

The article gives one number a row; ours is compute with an interval over process
groups, in a Worker the time under the isolate lock. Rows that the article leaves out
stand below, without a mark of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._axes import (
    TIMES,
    Estimate,
    beyond_key,
    factor,
    log_floor,
    log_interval,
    plain_log,
)
from bench.figures._common import (
    INK,
    MARKER,
    empty,
    lighter,
    milliseconds,
    number,
    phases_of,
    runtime_colour,
    runtimes_of,
    spoken,
    styled,
)
from bench.platform import LimitProfile
from bench.verdict.article import TOTAL, pivoted, rows

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "The article's CPU table beside ours"

Row = dict[str, Any]
_SMALLEST = 1e-3  # ms; what is smaller is no row of a budget
_REACH = 0.3  # rows from a row's middle to its outermost mark
_GAP = 0.6  # rows between the article's rows and those that it leaves out
_TICK = 0.36


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Intervals in ms of compute; the frame has the rows of `bench.verdict.article`."""
    found = rows(samples)
    data = _table(found)
    with styled():
        if data["cpu_ms"].notna().sum() == 0:
            text = "No chat request was measured stage by stage: nothing to compare."
            return empty(text), data
        return _figure(result, found), data


def _table(found: list[Row]) -> pd.DataFrame:
    import pandas as pd

    columns = ["runtime", "phase", "operation", "stages", "article_ms", "cpu_ms"]
    columns += ["low", "high", "n"]
    flat = [row | {"stages": "+".join(row["stages"])} for row in found]
    return pd.DataFrame(flat, columns=columns)


def _figure(result: dict[str, Any], found: list[Row]) -> Figure:
    from matplotlib.figure import Figure

    table = pivoted(found)
    places = _places(table)
    kinds = _kinds(result, found)
    figure = Figure(figsize=(9.5, 1.6 + 0.46 * len(table)), label=_alt(table, kinds))
    axes = figure.subplots()
    axes.set_xscale("log")
    estimates = [e for row in found if (e := _estimate(row))]
    articles = [row["article_ms"] for row in table if row["article_ms"]]
    edge = log_floor([*estimates, *(Estimate(a, a, a) for a in articles)], _SMALLEST)
    axes.set_xlim(left=edge)
    for row, place in zip(table, places, strict=True):
        _draw_row(axes, row, place, kinds, edge)
    _factors(axes, table, places, kinds[0])
    axes.set_xlim(edge, axes.get_xlim()[1])
    plain_log(axes.xaxis)
    axes.set_xlabel("compute CPU of one chat request (ms, log scale)")
    axes.tick_params(axis="y", length=0)
    _names(axes, table, places)
    _legend(figure, kinds, arrows=_arrows(estimates, edge))
    return figure


def _kinds(result: dict[str, Any], found: list[Row]) -> list[tuple[str, str]]:
    """Each (runtime, phase) that has a mark, warm before cold."""
    present = {(row["runtime"], row["phase"]) for row in found}
    return [
        (runtime, phase)
        for runtime in runtimes_of(result, (row["runtime"] for row in found))
        for phase in phases_of(row["phase"] for row in found)
        if (runtime, phase) in present
    ]


def _places(table: list[Row]) -> list[float]:
    gone = 0.0
    places = []
    for place, row in enumerate(table):
        if row["article_ms"] is None and not gone:
            gone = _GAP
        places.append(place + gone)
    return places


def _names(axes: Axes, table: list[Row], places: list[float]) -> None:
    """Operations at their rows, and a word where the article's end."""
    marks = dict(zip(places, map(_name, table), strict=True))
    left_out = [
        place
        for place, row in zip(places, table, strict=True)
        if row["article_ms"] is None
    ]
    if left_out:
        marks[left_out[0] - 0.75] = "not in the article:"
    axes.set_yticks(list(marks), list(marks.values()))
    for label in axes.get_yticklabels():
        label.set_fontweight("bold" if label.get_text() == TOTAL else "normal")
    axes.set_ylim(places[-1] + 0.6, -0.9)


def _name(row: Row) -> str:
    """The row with the stages that are in it here, where they are named otherwise."""
    if row["operation"] == TOTAL or [row["operation"]] == row["stages"]:
        return str(row["operation"])
    return f"{row['operation']}\n({', '.join(row['stages'])})"


def _estimate(row: Row) -> Estimate | None:
    value = number(row["cpu_ms"])
    if value is None:
        return None
    return Estimate(value, number(row["low"]), number(row["high"]))


def _draw_row(
    axes: Axes, row: Row, place: float, kinds: list[tuple[str, str]], edge: float
) -> None:
    article = row["article_ms"]
    if article is not None:
        ends = [place - _TICK, place + _TICK]
        axes.plot([article] * 2, ends, color=INK, linewidth=3.2, zorder=3)
    step = 2 * _REACH / max(len(kinds) - 1, 1)
    for which, kind in enumerate(kinds):
        estimate = _estimate(row["by"][kind]) if kind in row["by"] else None
        if estimate is not None:
            shift = which * step - _REACH if len(kinds) > 1 else 0.0
            log_interval(axes, estimate, place + shift, edge, **_mark(*kind))


def _mark(runtime: str, phase: str) -> Row:
    """Colour and fill say the runtime, the shape says the phase."""
    colour = runtime_colour(runtime)
    fill = colour if runtime == "workerd" else lighter(colour, 0.85)
    marker = MARKER.get(phase, "D")
    return {
        "color": colour,
        "marker": marker,
        "markerfacecolor": fill,
        "markersize": 5.5,
    }


def _factors(
    axes: Axes, table: list[Row], places: list[float], kind: tuple[str, str]
) -> None:
    """What the first kind costs, and how many times the article's value that is."""
    head = f"{spoken(kind[0])} {kind[1]}, {TIMES} the article"
    lines = [(head, -0.75, "bold")]
    for row, place in zip(table, places, strict=True):
        estimate = _estimate(row["by"].get(kind, {"cpu_ms": None}))
        if estimate is not None:
            lines.append((_said(estimate, row["article_ms"]), place, "normal"))
    for text, place, weight in lines:
        axes.annotate(
            text,
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            fontweight=weight,
            color=INK,
        )


def _said(estimate: Estimate, article: float | None) -> str:
    text = f"{milliseconds(estimate.value)} ms"
    if article is None:
        return text
    if estimate.low is not None and estimate.low > 0:
        return f"{text}, {factor(estimate.value / article)}"
    if estimate.high is None or estimate.high <= 0:
        return text
    return f"{text}, at most {factor(estimate.high / article)}"


def _arrows(estimates: list[Estimate], edge: float) -> bool:
    return any(
        e.value < edge or (e.low is not None and e.low < edge) for e in estimates
    )


def _legend(figure: Figure, kinds: list[tuple[str, str]], *, arrows: bool) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], **_mark(*kind), label=f"{spoken(kind[0])} {kind[1]}")
        for kind in kinds
    ]
    article = Line2D([], [], color=INK, marker="|", markersize=11, markeredgewidth=3.2,
                     linestyle="", label="the article")  # fmt: skip
    # Filled by columns: one for the article, one for each runtime.
    handles = [article, *([beyond_key()] if arrows else []), *handles]
    workers = any(runtime == "workerd" for runtime, _ in kinds)
    locked = "; in workerd, time under the isolate lock" if workers else ""
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=-(-len(handles) // 2),
        title=f"ours: 95 % intervals over process groups{locked}",
        title_fontsize=8.5,
    )


def _alt(table: list[Row], kinds: list[tuple[str, str]]) -> str:
    """The figure in words: each row of the article beside the first kind of ours."""
    kind = kinds[0]
    parts = []
    for row in table:
        estimate = _estimate(row["by"].get(kind, {"cpu_ms": None}))
        ours = "not measured" if estimate is None else f"{estimate.value:.3g} ms"
        said = row["article_ms"]
        theirs = "not in the article" if said is None else f"article {said:g} ms"
        parts.append(f"{row['operation']}: {theirs}, {ours}")
    return (
        f"CPU of a chat request, the article's value beside {spoken(kind[0])} "
        f"{kind[1]}. {'; '.join(parts)}."
    )
