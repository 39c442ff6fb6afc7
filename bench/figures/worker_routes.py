"""What each route of somebody's Worker is charged, cold and warm.

The picture is that of the workloads: a route in the place of a workload, and how often
it was asked in the place of a size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures import workloads
from bench.figures._axes import TIMES
from bench.figures._common import empty, number, plain, styled
from bench.figures._contest import cut, listed
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Routes: what a request is charged"
SOURCE = "worker"

Row = dict[str, Any]
_LOWEST = 2.8  # inches
_LONGEST = 60  # letters of a route


def draw(
    result: Row, samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """One line a route, both phases on it; the frame has every row of the document."""
    import pandas as pd

    rows = [_as_case(row) for row in listed(result, "rows") if "asked" in row]
    if not any(_charged(row) for row in rows):
        with styled():
            return empty("No route of the Worker was measured."), pd.DataFrame(rows)
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


def _charged(row: Row) -> bool:
    """Whether there is a cost that a log axis can show."""
    if row["error"]:
        return False
    return any((number(row.get(key)) or 0) > 0 for key in ("locked_ms", "cpu_ms"))


def _as_case(row: Row) -> Row:
    error, asked = row.get("error") or None, number(row.get("asked"))
    return row | {
        "workload": plain(cut(str(row.get("route")), _LONGEST)),
        "route": "native",
        "fixture": "" if asked is None else f"{asked:,.0f}{TIMES}",
        "error": error and plain(str(error)),
    }
