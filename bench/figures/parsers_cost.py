"""What a body of some size costs each parser, and where that begins to matter.

Dots are measured, lines are fitted: a fixed part and a part for each byte. The levels
are a millisecond and a tenth of the limit; the article's parse is a labelled point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._axes import Estimate
from bench.figures._common import INK, empty, number, styled
from bench.figures._contest import Row, cost, is_sized, limit, listed, main_fixture
from bench.figures._growth import Curve, Level, draw_panel, finish
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "JSON parsers: CPU by size of the body"
SOURCE = "parsers"

_FAMILY = "transcript"
_MEANING = {"full": "everything", "chunks": "what ingestion needs"}
_COLUMNS = ["mode", "parser", "runtime", "bytes", "cpu_ms", "low", "high", "fitted"]
_STEPS = 40  # points of a line, which is bent on two log axes


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Cost in ms by bytes; the frame has the dots and the ends of the lines."""
    panels = _panels(result)
    data = _table(panels)
    with styled():
        if not panels:
            text = "No parser was measured at several sizes: no cost by size to show."
            return empty(text), data
        return _figure(result, panels, limits), data


def _panels(result: Row) -> dict[str, list[Curve]]:
    """Mode -> curves, of the modes that were asked at several sizes."""
    lines = {
        (row.get("mode"), row.get("parser")): row
        for row in listed(result, "costs")
        if row.get("family") == _FAMILY
    }
    main, rows = main_fixture(result), listed(result, "rows")
    found: dict[str, dict[str, Curve]] = {}
    for row in rows:
        mode, parser = str(row.get("mode")), str(row.get("parser"))
        size, spent = number(row.get("bytes")), cost(row)
        fitted = lines.get((mode, parser))
        mine = row.get("fixture") == main or _is_plain(row)
        if not mine or not size or size <= 0 or spent is None or fitted is None:
            continue
        empty_curve = Curve(parser, str(row.get("runtime")), [], _fitted(fitted))
        curve = found.setdefault(mode, {}).setdefault(parser, empty_curve)
        curve.points.append((size, _in_ms(spent)))
    return {mode: list(curves.values()) for mode, curves in found.items()}


def _is_plain(row: Row) -> bool:
    """Whether a body is of the family and not pretty-printed, which costs less a
    byte."""
    return is_sized(row) and not str(row.get("fixture")).endswith("pretty")


def _in_ms(found: Estimate) -> Estimate:
    low, high = (None if end is None else end / 1000 for end in found[1:])
    return Estimate(found.value / 1000, low, high)


def _fitted(row: Row) -> list[tuple[float, float]]:
    """Points of the line in bytes and ms; what a log axis cannot show is left out."""
    keys = ("smallest_bytes", "largest_bytes", "fixed_us", "ns_per_byte")
    small, large, fixed, slope = (number(row.get(key)) for key in keys)
    if not small or not large or fixed is None or slope is None or small <= 0:
        return []
    sizes = [small * (large / small) ** (n / _STEPS) for n in range(_STEPS + 1)]
    costs = [(size, fixed / 1e3 + slope * size / 1e6) for size in sizes]
    return [(size, ms) for size, ms in costs if ms > 0]


def _figure(
    result: Row, panels: dict[str, list[Curve]], limits: LimitProfile
) -> Figure:
    from matplotlib.figure import Figure

    wide = 12.5 if len(panels) > 1 else 9.5
    figure = Figure(figsize=(wide, 6.4), label=_alt(panels))
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    levels = _levels(result, limits)
    drawn = []
    for each, (mode, curves) in zip(axes, panels.items(), strict=True):
        draw_panel(each, f"{mode}: {_MEANING.get(mode, mode)}", curves, levels)
        if mode == "full":
            _article(each)
        each.set_xlabel("size of the body (KB, log scale)")
        drawn.append((each, curves))
    axes[0].set_ylabel("CPU of one parse (ms, log scale)")
    finish(figure, drawn)
    # The article's size is in thousands, and so is the rest.
    for each, _ in drawn:
        each.xaxis.set_major_formatter(lambda value, _: f"{value / 1e3:,.6g}")
    return figure


def _levels(result: Row, limits: LimitProfile) -> list[Level]:
    name, ms = limit(result)
    name, ms = (name, ms) if ms else (limits.name, limits.cpu_ms)
    tenth = Level(ms / 10, f"10 % of Workers {name}, {ms / 10:,g} ms")
    if tenth.ms == 1:
        return [tenth]
    return [Level(1.0, "1 ms"), tenth]


def _article(axes: Axes) -> None:
    from bench.verdict.stories import PARSE_BYTES, PARSE_MS

    axes.plot([PARSE_BYTES], [PARSE_MS], "*", color=INK, markersize=11, zorder=7)
    axes.annotate(
        f"the article: {PARSE_MS:g} ms\nat {PARSE_BYTES / 1e3:g} KB",
        (PARSE_BYTES, PARSE_MS),
        xytext=(-8, 4),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        fontweight="bold",
        color=INK,
        zorder=7,
    )


def _table(panels: dict[str, list[Curve]]) -> pd.DataFrame:
    import pandas as pd

    rows: list[tuple[object, ...]] = []
    for mode, curves in panels.items():
        for curve in curves:
            head = (mode, curve.name, curve.runtime)
            rows += [(*head, size, *found, False) for size, found in curve.points]
            ends = (curve.fitted[0], curve.fitted[-1]) if curve.fitted else ()
            rows += [(*head, size, ms, None, None, True) for size, ms in ends]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _alt(panels: dict[str, list[Curve]]) -> str:
    from bench.verdict.stories import PARSE_BYTES, PARSE_MS

    parts = []
    for mode, curves in panels.items():
        ends = [
            f"{curve.name} {curve.end[1]:.3g} ms at {curve.end[0] / 1e3:,.0f} KB"
            for curve in curves
        ]
        parts.append(f"{mode}: {', '.join(ends)}")
    return (
        "CPU of one parse by size of the body. The article's parse took "
        f"{PARSE_MS:g} ms at {PARSE_BYTES / 1e3:g} KB. {'; '.join(parts)}."
    )
