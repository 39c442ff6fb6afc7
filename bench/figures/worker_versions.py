"""Two versions of somebody's Worker, route by route: what the new one is charged as a
multiple of the old one.

The picture is that of two runs: a route in the place of a cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures import compare
from bench.figures._common import empty, number, plain, styled
from bench.figures._contest import listed
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TITLE = "Two versions: what the new one is charged as a multiple of the old one"
SOURCE = "versions"

_COLUMNS = [
    "route", "verdict", "ratio", "low", "high", "control", "control_low",
    "control_high", "old_ms", "new_ms", "n", "asked", "why",
]  # fmt: skip


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Ratios on a log axis; the frame has every row of the document."""
    import pandas as pd

    rows = listed(result, "rows")
    data = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    if not any(number(row.get("ratio")) for row in rows):
        with styled():
            return empty("No route was compared in both versions."), data
    cells = [row | {"cell": plain(str(row.get("route")))} for row in rows]
    drawn, _ = compare.draw({**result, "rows": cells}, samples, limits)
    for axes in drawn.axes:
        axes.set_xlabel("new version as a multiple of the old one (log scale)")
    for legend in drawn.legends:
        legend.set_title(
            "Lines: intervals over process groups that took turns on one core; all of "
            "them hold together at 97 %"
        )
    told = str(drawn.get_label()).removeprefix(f"{compare.TITLE}.")
    drawn.set_label(f"{TITLE}. {told.strip()}")
    return drawn, data
