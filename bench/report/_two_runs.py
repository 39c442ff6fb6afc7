"""A comparison as a terminal shows it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from bench.figures._axes import Estimate, ratio_text
from bench.figures._common import number
from bench.report._lines import WIDTH, joined
from bench.verdict.compare import VERDICTS

# Rows of one verdict that are shown; the others are in the document.
SHOWN = 20
SYMBOLS = dict(
    zip(
        VERDICTS,
        (
            "\N{BLACK UP-POINTING TRIANGLE}",
            "\N{BLACK DOWN-POINTING TRIANGLE}",
            "?",
            "=",
        ),
        strict=True,
    )
)
FORCED = (
    "Forced: the runs differ in more than the code, and a ratio may be about any of "
    "these:"
)
Row = dict[str, Any]


def terminal(document: Row) -> str:
    """Reasons, then each verdict with its cells, then how many there are of each."""
    return joined(_lines(document))


def _lines(document: Row) -> Iterator[str]:
    a, b = document["a"], document["b"]
    yield from _wrapped(
        f"B {b['run']} against A {a['run']}, on {b['host']}: CPU of B as a multiple of "
        "A's, with 95 % intervals over process groups", ""
    )  # fmt: skip
    if document["reasons"]:
        yield from _wrapped(FORCED, "")
        yield from _listed(document["reasons"])
    for verdict in VERDICTS:
        rows = [row for row in document["rows"] if row["verdict"] == verdict]
        if rows:
            yield ""
            yield f"{SYMBOLS[verdict]} {verdict} ({len(rows)})"
            yield from _cells(sorted(rows, key=_size, reverse=True))
    yield ""
    yield from _listed(_missing(document["missing"]))
    yield from _listed(document["notes"])
    yield from _wrapped(sentence(document), "")


def _size(row: Row) -> float:
    """What comes first: the dearest cells."""
    return number(row["b_ms"]) or 0.0


def _cells(rows: list[Row]) -> Iterator[str]:
    for row in rows[:SHOWN]:
        value = number(row["ratio"])
        found = Estimate(value or 0.0, number(row["low"]), number(row["high"]))
        said = "" if value is None else ratio_text(found)
        yield f"  {said:24} {row['n_a']:>3}, {row['n_b']:>3}  {row['cell']}"
        if row["why"]:
            yield f"      {row['why']}"
    if len(rows) > SHOWN:
        yield f"  and {len(rows) - SHOWN} more, see --json"


def _missing(missing: list[Row]) -> list[str]:
    found = []
    for name in ("a", "b"):
        mine = [row["cell"] for row in missing if row["in"] == name]
        if mine:
            more = f" and {len(mine) - 3} more" if len(mine) > 3 else ""
            found.append(f"only in {name.upper()}: {', '.join(mine[:3])}{more}")
    return found


def sentence(document: Row) -> str:
    """How many cells have which verdict, and what the verdicts rest on."""
    rules = document["rules"]
    counts = document["counts"]
    said = ", ".join(f"{counts[name]} {name}" for name in VERDICTS if counts[name])
    return (
        f"Of {len(document['rows'])} cells: {said}. Same is within "
        f"{rules['within']:.1%}; slower and faster are corrected by "
        f"{rules['correction']}. The runs took no turns: what the machine did between "
        "them is carried by the sentinel, from none to all of it, and by how long "
        "requests waited for their core."
    )


def _listed(texts: list[str]) -> Iterator[str]:
    for text in texts:
        yield from _wrapped(text, "- ")


def _wrapped(text: str, mark: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
    ) or [""]
