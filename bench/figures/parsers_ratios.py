"""How much CPU each parser needs relative to CPython's json, a panel a question.

The main body is asked in every mode. Of the other kinds of bodies the first of each
kind is shown; the rest stand in the data and in the report's tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._common import empty, number, styled
from bench.figures._contest import Row, failure, is_sized, listed, main_fixture
from bench.figures._forest import Panel, forest, in_words, panel
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TITLE = "JSON parsers: CPU relative to CPython's json"
SOURCE = "parsers"

_MEANING = {
    "full": "everything",
    "fields": "only what is needed",
    "first": "only the metadata at its start",
    "chunks": "what ingestion needs",
}
_COLUMNS = [
    "mode", "fixture", "kind", "bytes", "parser", "runtime", "ratio", "ratio_low",
    "ratio_high", "cpu_us", "low", "high", "n", "wrong",
]  # fmt: skip
Question = tuple[str, str]  # mode and fixture


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """Ratios with intervals; the frame has every row but those of sized bodies."""
    import pandas as pd

    rows = [row for row in listed(result, "rows") if not is_sized(row)]
    shown = [{**row, "wrong": failure(row)} for row in rows]
    data = pd.DataFrame(shown).reindex(columns=_COLUMNS)
    with styled():
        panels = _panels(result, rows)
        if not panels:
            return empty("No parser was measured: there is nothing to compare."), data
        alt = f"CPU of JSON parsers relative to CPython's json. {in_words(panels)}"
        label = "CPU relative to CPython's json (log scale)"
        return forest(panels, label, alt), data


def _panels(result: Row, rows: list[Row]) -> list[Panel]:
    asked: dict[Question, list[Row]] = {}
    for row in rows:
        question = str(row.get("mode")), str(row.get("fixture"))
        asked.setdefault(question, []).append(row)
    tables = {
        (str(table.get("mode")), str(table.get("fixture"))): table
        for table in listed(result, "tables")
    }
    return [
        panel(_title(question, rows[0]), rows, "parser", tables.get(question, {}))
        for question, rows in _chosen(asked, main_fixture(result)).items()
    ]


def _chosen(asked: dict[Question, list[Row]], main: str) -> dict[Question, list[Row]]:
    """The main body in each mode, then one body of each other kind and mode; of the
    main body's own kind all."""
    own = {rows[0].get("kind") for (_, name), rows in asked.items() if name == main}
    seen: set[tuple[object, str]] = set()
    first: dict[Question, list[Row]] = {}
    for question, rows in asked.items():
        kind = rows[0].get("kind")
        if kind in own or kind == "other" or (kind, question[0]) not in seen:
            first[question] = rows
            seen.add((kind, question[0]))
    return dict(sorted(first.items(), key=lambda item: item[0][1] != main))


def _title(question: Question, row: Row) -> str:
    from bench.verdict.switch import spoken_size

    mode, fixture = question
    size = number(row.get("bytes"))
    of = "" if size is None else f" ({spoken_size(size)})"
    return f"{mode}: {_MEANING.get(mode, mode)} of {fixture}{of}"
