"""How much CPU each re-ranker needs relative to pure Python over lists.

At the article's job, a panel for each form in which the values can come: what parsing
or decoding they still need is counted where the form says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._common import empty, styled
from bench.figures._contest import Row, failure, job, listed, main_job, spoken_job
from bench.figures._forest import Panel, forest, in_words, panel
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TITLE = "Re-rankers: CPU relative to pure Python"
SOURCE = "rerank"

_COLUMNS = [
    "k", "dims", "input", "backend", "runtime", "ratio", "ratio_low", "ratio_high",
    "cpu_us", "low", "high", "n", "wrong",
]  # fmt: skip
INPUTS = {
    "lists": "arrays in use for long",
    "fresh": "arrays fresh from the parser",
    "json": "the index's response, parsing counted",
    "float32": "one buffer",
    "base64": "as text, decoding counted",
}
# Rows of an option stand beside the backends; they are requests and no rankings.
REQUEST = "request"


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Ratios with intervals at the main job; the frame has those of every job."""
    import pandas as pd

    rows = backends(result)
    shown = [{**row, "wrong": failure(row)} for row in rows]
    data = pd.DataFrame(shown).reindex(columns=_COLUMNS)
    with styled():
        if not rows:
            return empty("No re-ranker was measured: nothing to compare."), data
        return _figure(result, rows), data


def backends(result: Row) -> list[Row]:
    """Rows of re-rankers by themselves, the requests left out."""
    return [row for row in listed(result, "rows") if row.get("input") != REQUEST]


def _figure(result: Row, rows: list[Row]) -> Figure:
    main = main_job(rows)
    panels = _panels(result, [row for row in rows if job(row) == main])
    words = f"{spoken_job(*main)} values"
    alt = f"CPU of re-ranking {words} relative to pure Python. {in_words(panels)}"
    label = f"CPU of ranking {words}, pure Python over lists is 1 (log scale)"
    return forest(panels, label, alt)


def _panels(result: Row, rows: list[Row]) -> list[Panel]:
    tables = {job(table): table for table in listed(result, "tables")}
    by: dict[str, list[Row]] = {}
    for row in rows:
        by.setdefault(str(row.get("input")), []).append(row)
    return [
        panel(
            f"{given}: {INPUTS.get(given, given)}",
            mine,
            "backend",
            tables.get(job(mine[0]), {}),
        )
        for given, mine in by.items()
    ]
