"""What each route of somebody's Worker is charged, cold and warm.

The picture is that of the workloads: a route in the place of a workload, and how often
it was asked in the place of a size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures import workloads
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Routes: what a request is charged"
Row = dict[str, Any]
_LOWEST = 2.8  # inches


def draw(
    result: Row, samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """One line a route, both phases on it; the frame has every row of the document."""
    rows = [_as_case(row) for row in result.get("rows") or []]
    drawn, data = workloads.draw({**result, "rows": rows}, samples, limits)
    # A Worker may have one route: the axes still need room between their names.
    drawn.set_figheight(max(drawn.get_figheight(), _LOWEST))
    for axes in drawn.axes:
        _keep_inside(axes)
    return drawn, data


def _keep_inside(axes: Axes) -> None:
    """Take away the name of a limit that lies left of the axis: nothing can be laid
    out around it. It is named in the label then."""
    from matplotlib.text import Annotation

    left = axes.get_xlim()[0]
    for each in list(axes.texts):
        if isinstance(each, Annotation) and each.xy[0] < left:
            each.remove()
            name = " ".join(each.get_text().split())
            axes.set_xlabel(f"{axes.get_xlabel()}\n{name}, is far to the left")


def _as_case(row: Row) -> Row:
    error = row.get("error") or None
    return row | {
        "workload": _plain(row["route"]),
        "route": "native",
        "fixture": f"{row['asked']:,}\N{MULTIPLICATION SIGN}",
        "error": error and _plain(error),
    }


def _plain(text: str) -> str:
    """``text`` without what matplotlib would take for mathematics."""
    return text.replace("$", r"\$")
