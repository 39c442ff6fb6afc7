"""What the tables of several documents have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.figures._axes import Estimate, ratio_text
from bench.figures._common import milliseconds, number, spoken
from bench.figures._contest import Row, estimate, failure, in_order, listed
from bench.report import _shape
from bench.report._evidence import WARN, Table
from bench.verdict.claims._ground import named

# What a story was tried with, and the phase.
Condition = tuple[str, str]
MICRO = "\N{MICRO SIGN}s"


def with_ends(found: Estimate | None, scale: float = 1.0) -> str:
    """A number times ``scale`` with its interval, or a dash."""
    if found is None:
        return _shape.MISSING
    value, *ends = (None if end is None else end * scale for end in found)
    text = _shape.ms(value)
    if None in ends:
        return text
    return f"{text} [{_shape.ms(ends[0])}, {_shape.ms(ends[1])}]"


def times(found: Estimate | None) -> str:
    """A ratio with its interval, or a dash."""
    return _shape.MISSING if found is None else ratio_text(found)


def count(value: Any) -> str:
    """A whole number, or a dash."""
    found = number(value)
    return _shape.MISSING if found is None else f"{found:,.0f}"


def by_runtime(rows: Iterable[Row], cost: str = "cpu_us") -> list[Row]:
    """Runtimes in order, cheapest first, those without a number last."""
    found = list(rows)
    order = in_order(row.get("runtime") for row in found)

    def place(row: Row) -> tuple[int, bool, float]:
        value = None if row.get("error") else number(row.get(cost))
        return order.index(str(row.get("runtime"))), value is None, value or 0.0

    return sorted(found, key=place)


def failures(rows: Iterable[Row], *names: str) -> list[str]:
    """A sentence for each way in which a competitor is wrong or failed. ``names`` are
    the keys that a row is called by, the competitor's first."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if why := failure(row):
            called = ", ".join(str(row.get(name)) for name in names)
            found.setdefault((str(row.get(names[0])), why), []).append(called)
    return [
        f"{WARN} {first}{f' and {len(more)} more' if more else ''}: {why}"
        for (_, why), (first, *more) in found.items()
    ]


def controls(document: Row, name: Sequence[str]) -> list[str]:
    """Whether the controls hold, in a sentence; ``name`` are the keys of a table's
    name."""
    tables = listed(document, "tables")
    doubted = [
        f"{' of '.join(str(table.get(key)) for key in name)} "
        f"{times(estimate(control, 'ratio', 'low', 'high'))}"
        for table in tables
        if table.get("holds") is not True
        for control in [table.get("control") or {}]
    ]
    if doubted:
        return [f"{WARN} The A/A control does not hold: {', '.join(doubted)}."]
    if not tables:
        return []
    many = f"{len(tables)} A/A controls hold" if len(tables) > 1 else "control holds"
    return [f"All {many}." if len(tables) > 1 else f"The A/A {many}."]


def told(document: Row, kind: str, origins: Mapping[Condition, list[str]]) -> Table:
    """What the article says took long, under each condition that a Worker can have,
    and under any other that takes as long. ``origins`` are the samples of conditions
    in their phase; any other rests on its row of the document of ``kind``."""
    found = listed(document, "stories")
    shown = [
        row
        for row in found
        if row.get("runtime") != "cpython" or row.get("reproduces") is True
    ]
    rows = [
        [
            str(row.get("condition")),
            spoken(row.get("runtime")),
            str(row.get("phase")),
            with_ends(estimate(row, "measured_ms", "low", "high")),
            "yes" if row.get("reproduces") is True else "no",
        ]
        for row in shown
    ]
    claims = dict.fromkeys(str(row.get("claim")) for row in found)
    notes = [f"The article: {claim}." for claim in claims]
    if left := len(found) - len(shown):
        notes.append(f"In CPython, conditions that take less: {left}.")
    head = ["condition", "runtime", "phase", "here (ms)", "as long"]
    places = [(str(row.get("condition")), str(row.get("phase"))) for row in shown]
    mine = [
        origins.get(place)
        or [named(f"{kind}.json", "stories", condition=place[0], phase=place[1])]
        for place in places
    ]
    return Table(head, rows, notes, mine)


def idents(row: Row) -> list[str]:
    """The ids of evidence of a row. What is no list of ids has none."""
    found = row.get("evidence")
    return [str(each) for each in found] if isinstance(found, list) else []


def sources(named: Iterable[tuple[str, Sequence[str]]]) -> Table:
    """The evidence of each name, an id a row."""
    rows = [[name, ident] for name, found in named for ident in found]
    return Table(["of", "evidence"], rows, [], [[ident] for _, ident in rows])


def kilobytes(value: Any) -> str:
    """Bytes in thousands with three significant digits, or a dash."""
    found = number(value)
    return _shape.MISSING if found is None else milliseconds(found / 1000)
