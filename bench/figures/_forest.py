"""Forest plots: a row for each competitor, its ratio to the reference with the interval
on a log axis, beside the band in which the reference differs from itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.figures._axes import (
    Estimate,
    beside,
    beyond_key,
    log_floor,
    log_interval,
    plain_log,
    ratio_text,
)
from bench.figures._common import INK, duration
from bench.figures._contest import (
    TITLE,
    WRONG,
    Row,
    control,
    cost,
    cut,
    failure,
    fastest,
    handle,
    in_order,
    mark,
    named,
    ratio,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SMALLEST = 1e-4  # a ratio that is smaller is one of noise
_PITCH = 0.2  # inches a row
_COST = 118  # points from the axes to the costs
_WRONG = 80  # letters of an error that fit in a row
_BAND: dict[str, Any] = {"facecolor": "#d9dce0", "edgecolor": "none", "zorder": 0}
_DOUBTED: dict[str, Any] = {
    "facecolor": "#f1f2f4", "edgecolor": "#8a8a8a", "hatch": "....", "linewidth": 0,
    "zorder": 0,
}  # fmt: skip


class Entrant(NamedTuple):
    """One row: who, its ratio, its cost in us, and why it has neither."""

    name: str
    runtime: str
    ratio: Estimate | None
    cost: Estimate | None
    wrong: str
    fastest: bool


class Panel(NamedTuple):
    """One question and all who were asked; ``control`` is the reference to itself."""

    title: str
    entrants: list[Entrant]
    control: Estimate | None
    holds: bool


def panel(title: str, rows: Sequence[Row], name: str, table: Row) -> Panel:
    """The panel of ``rows``, named by their key ``name``: runtimes in order, cheapest
    first, those without a number last. ``table`` holds the control."""
    best = fastest(rows)
    entrants = [
        Entrant(
            named(row.get(name)),
            str(row.get("runtime")),
            ratio(row),
            cost(row),
            failure(row) or "not measured",
            place in best,
        )
        for place, row in enumerate(rows)
    ]
    order = in_order(entrant.runtime for entrant in entrants)
    entrants.sort(
        key=lambda one: (
            order.index(one.runtime),
            one.ratio is None,
            one.cost.value if one.cost else 0.0,
        )
    )
    return Panel(title, entrants, control(table), table.get("holds") is True)


def forest(panels: Sequence[Panel], xlabel: str, alt: str) -> Figure:
    """All ``panels`` in two columns that share one axis of ratios."""
    from matplotlib.figure import Figure

    columns = min(2, len(panels))
    lines = [panels[n : n + columns] for n in range(0, len(panels), columns)]
    rows = [max(len(each.entrants) for each in line) for line in lines]
    inches = 1.15 + 0.5 * len(lines) + _PITCH * sum(rows)
    figure = Figure(figsize=(12.5 if columns > 1 else 9.5, inches), label=alt)
    axes = figure.subplots(len(lines), columns, squeeze=False, height_ratios=rows)
    reach = _reach(panels)
    for place, (each, longest) in enumerate(
        (each, longest)
        for line, longest in zip(lines, rows, strict=True)
        for each in line
    ):
        _draw(axes.flat[place], each, longest, reach)
    for spare in axes.flat[len(panels) :]:
        spare.set_axis_off()
    for lowest in axes.flat[max(len(panels) - columns, 0) : len(panels)]:
        lowest.set_xlabel(xlabel)
    _legend(figure, panels, reach)
    return figure


def _reach(panels: Iterable[Panel]) -> tuple[float, float]:
    """The ends of the shared axis: all ratios, and 1 which they are held against.

    An interval may reach further, as that of a difference which may be zero does.
    """
    found = [one.ratio for each in panels for one in each.entrants if one.ratio]
    edge = log_floor([*found, Estimate(1.0, None, None)], _SMALLEST)
    values = [one.value for one in found] or [1.0]
    ends = [end for one in found if (end := one.high) is not None]
    most = max([1.0, *values])
    return edge, 1.3 * max(most, *(end for end in [*ends, most] if end < 10 * most))


def _draw(axes: Axes, each: Panel, longest: int, reach: tuple[float, float]) -> None:
    axes.set_xscale("log")
    axes.set_xlim(*reach)
    doubt = "" if each.holds or not each.control else ": control off, inconclusive"
    axes.set_title(f"{cut(each.title, TITLE - len(doubt))}{doubt}")
    band = each.control
    if band is not None and band.low is not None and band.high is not None:
        style = _BAND if each.holds else _DOUBTED
        axes.axvspan(max(band.low, reach[0]), min(band.high, reach[1]), **style)
    axes.axvline(1, color=INK, linewidth=0.8, linestyle=":", zorder=1)
    for place, entrant in enumerate(each.entrants):
        _row(axes, place, entrant)
    axes.set_yticks(range(len(each.entrants)), [one.name for one in each.entrants])
    for label, entrant in zip(axes.get_yticklabels(), each.entrants, strict=True):
        label.set_fontweight("bold" if entrant.fastest else "normal")
    axes.set_ylim(longest - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    plain_log(axes.xaxis)


def _row(axes: Axes, place: int, entrant: Entrant) -> None:
    found = entrant.ratio
    if found is None:
        text = cut(entrant.wrong, _WRONG)
        axes.text(
            0.02, place, text, transform=axes.get_yaxis_transform(), va="center",
            fontsize=7.5, fontstyle="italic", color=WRONG, zorder=5, in_layout=False,
        )  # fmt: skip
        return
    log_interval(axes, found, place, axes.get_xlim()[0], **mark(entrant.runtime))
    spent = duration(entrant.cost.value) if entrant.cost else ""
    for text, shift in ((ratio_text(found), 5), (spent, _COST)):
        weight = "bold" if entrant.fastest else "normal"
        beside(axes, place, text, at=(shift, 0), fontweight=weight)


def _is_beyond(entrant: Entrant, edge: float) -> bool:
    """Whether a row ends in an arrow at the edge."""
    found = entrant.ratio
    return found is not None and min(found.value, found.low or edge) < edge


def _legend(
    figure: Figure, panels: Sequence[Panel], reach: tuple[float, float]
) -> None:
    from matplotlib.patches import Patch

    runtimes = in_order(one.runtime for each in panels for one in each.entrants)
    handles: list[Any] = [handle(runtime) for runtime in runtimes]
    if any(_is_beyond(one, reach[0]) for each in panels for one in each.entrants):
        handles.append(beyond_key())
    if any(each.control and each.holds for each in panels):
        handles.append(Patch(**_BAND, label="A/A control: the reference to itself"))
    if any(each.control and not each.holds for each in panels):
        handles.append(Patch(**_DOUBTED, label="A/A control that does not hold"))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        title="95 % intervals over process groups; bold: the fastest of its runtime",
        title_fontsize=8.5,
    )


def in_words(panels: Sequence[Panel]) -> str:
    """The panels as sentences: each ratio, and who is wrong."""
    parts = []
    for each in panels:
        rows = [
            f"{one.name} {one.ratio.value:.3g}" if one.ratio else f"{one.name} {why}"
            for one in each.entrants
            for why in [one.wrong.partition(":")[0]]
        ]
        parts.append(f"{each.title}: {', '.join(rows)}")
    return f"{'; '.join(parts)}."
