"""What re-ranking costs by its size, against the 12 ms that the article names.

Size is the number of values, matches times dimensions: both make the same work. The
panels differ in how the values come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._axes import Estimate
from bench.figures._common import INK, empty, styled
from bench.figures._contest import Row, cost, job
from bench.figures._growth import Curve, Level, draw_panel, finish
from bench.figures.rerank_ratios import INPUTS, backends
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TITLE = "Re-rankers: CPU by number of values"
SOURCE = "rerank"

_ARTICLE_JOB = (8, 1536)
_COLUMNS = ["input", "backend", "runtime", "values", "cpu_ms", "low", "high"]


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Cost in ms by number of values; the frame has every point."""
    import pandas as pd

    panels = _panels(backends(result))
    rows = [
        (given, curve.name, curve.runtime, size, *found)
        for given, curves in panels.items()
        for curve in curves
        for size, found in curve.points
    ]
    data = pd.DataFrame(rows, columns=_COLUMNS)
    with styled():
        if not panels:
            return empty("No re-ranker was measured: no cost by size to show."), data
        return _figure(panels), data


def _panels(rows: list[Row]) -> dict[str, list[Curve]]:
    """Form of the values -> a curve for each re-ranker, points by rising size."""
    found: dict[str, dict[str, Curve]] = {}
    for row in rows:
        k, dims = job(row)
        spent, name = cost(row), str(row.get("backend"))
        if spent is None or k * dims <= 0:
            continue
        curves = found.setdefault(str(row.get("input")), {})
        curve = curves.setdefault(name, Curve(name, str(row.get("runtime")), [], []))
        low, high = (None if end is None else end / 1e3 for end in spent[1:])
        curve.points.append((float(k * dims), Estimate(spent.value / 1e3, low, high)))
    return {given: list(curves.values()) for given, curves in found.items()}


def _figure(panels: dict[str, list[Curve]]) -> Figure:
    from matplotlib.figure import Figure

    from bench.verdict.stories import RERANK_MS

    columns = min(2, len(panels))
    lines = -(-len(panels) // columns)
    size = (12.5 if columns > 1 else 9.5, 1.2 + 3.6 * lines)
    figure = Figure(figsize=size, label=_alt(panels))
    axes = list(figure.subplots(lines, columns, squeeze=False).flat)
    level = Level(RERANK_MS, f"the article: {RERANK_MS:g} ms", article=True)
    drawn = []
    for each, (given, curves) in zip(axes, panels.items(), strict=False):
        draw_panel(each, f"{given}: {INPUTS.get(given, given)}", curves, [level])
        k, dims = _ARTICLE_JOB
        each.plot([k * dims], [RERANK_MS], "*", color=INK, markersize=11, zorder=7)
        each.set_xlabel("matches \N{MULTIPLICATION SIGN} dimensions (log scale)")
        each.set_ylabel("CPU of one ranking (ms, log scale)")
        drawn.append((each, curves))
    for spare in axes[len(panels) :]:
        spare.set_axis_off()
    finish(figure, drawn)
    return figure


def _alt(panels: dict[str, list[Curve]]) -> str:
    from bench.verdict.stories import RERANK_MS

    parts = []
    for given, curves in panels.items():
        ends = [
            f"{curve.name} {curve.end[1]:.3g} ms for {curve.end[0]:,.0f} values"
            for curve in curves
        ]
        parts.append(f"{given}: {', '.join(ends)}")
    return (
        f"CPU of one ranking by number of values, against the article's {RERANK_MS:g} "
        f"ms. {'; '.join(parts)}."
    )
