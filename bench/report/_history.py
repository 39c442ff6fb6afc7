"""A history as tables, as text for a terminal, and as one page that opens offline."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.figures._common import number
from bench.figures._contest import estimate
from bench.report import _shape
from bench.report._compared import with_ends
from bench.report._evidence import Table
from bench.report._lines import joined, wrapped

_HERE = Path(__file__).parent
# Rows that a reader looks through; the document has all.
SHOWN = 40
# Rows of a page, where they can be filtered.
FILTERED = 2000
_DIGITS = 10  # of a commit
_SMALLEST = 1e-12  # p that is worth telling
Row = dict[str, Any]


def changes(document: Row, shown: int = SHOWN) -> Table:
    """Every change of level, the latest first."""
    rows = document["rows"]
    return Table(
        [
            "cell",
            "change",
            "before (ms)",
            "after (ms)",
            "first run",
            "what else changed",
        ],
        [
            [
                str(row["cell"]),
                _shift(row),
                _shape.ms(row["before_ms"]),
                _shape.ms(row["after_ms"]),
                str(row["run"]),
                ", ".join(row["changed"]) or "nothing that is recorded",
            ]
            for row in rows[:shown]
        ],
        _more(len(rows), shown),
    )


def _shift(row: Row) -> str:
    """A ratio as a change in per cent with its interval."""
    value, low, high = (
        _shape.signed_percent(None if end is None else end - 1)
        for end in (number(row[key]) for key in ("ratio", "low", "high"))
    )
    return f"{value} [{low}, {high}]"


def series(document: Row, shown: int = SHOWN) -> Table:
    """Each series with its latest estimate, the longest first."""
    rows = sorted(
        document["series"], key=lambda each: (-len(each["points"]), each["cell"])
    )
    return Table(
        ["cell", "latest (ms)", "runs", "changes", "profile", "host"],
        [
            [
                str(row["cell"]),
                with_ends(estimate(row["points"][-1], "ms", "low", "high")),
                str(len(row["points"])),
                _shape.MISSING if row["why"] else str(len(row["changes"])),
                str(row["profile"]),
                str(row["host"]),
            ]
            for row in rows[:shown]
        ],
        _more(len(rows), shown),
    )


def runs(document: Row, shown: int = SHOWN) -> Table:
    """The runs, the latest first."""
    rows = document["runs"][::-1]
    return Table(
        ["run", "cells", "profile", "commit", "host", "command"],
        [
            [
                str(row["run"]),
                str(row["cells"]),
                str(row["profile"]),
                str(row["commit"] or _shape.MISSING)[:_DIGITS],
                str(row["host"]),
                str(row["command"]),
            ]
            for row in rows[:shown]
        ],
        _more(len(rows), shown),
    )


def _more(count: int, shown: int) -> list[str]:
    return [f"And {count - shown:,} more, see --json."] if count > shown else []


def sentence(document: Row) -> str:
    """How many runs and series there are, and how many changes."""
    every, found = document["runs"], document["rows"]
    first, last = every[0]["created"][:10], every[-1]["created"][:10]
    counted = (
        f"{_count(len(every), 'run')} from {first} to {last}, "
        f"{len(document['series']):,} series"
    )
    if not found:
        return f"No change of level in {counted}."
    latest = found[0]
    return (
        f"{_count(len(found), 'change')} of level in {counted}. "
        f"The latest: {latest['cell']} by {_shift(latest)} from run {latest['run']} on."
    )


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def method(document: Row) -> list[str]:
    """What the changes rest on, and what they cannot say."""
    rules = document["rules"]
    return [
        f"Changes are found by {rules['method']} on the logarithms of the runs' "
        f"estimates, at p below {rules['level']:g} each, not corrected for the "
        f"number of series. A level has {rules['least']} runs at least, so the last "
        f"{rules['least'] - 1} runs are never told.",
        "A series is one cell on one kind of machine with the same inputs, options, "
        "seed and duration profile. A change says when, and not why: what else changed "
        "at that run stands beside it.",
        "Intervals of single runs are 95 % over process groups; they do not hold what "
        "differs from run to run, and the test does.",
        *(f"Not read: {row['run']}: {row['why']}" for row in document["unread"]),
    ]


def terminal(document: Row) -> str:
    """Changes and series as text of at most 100 columns."""
    return joined(_lines(document))


def _lines(document: Row) -> Iterator[str]:
    yield from wrapped(sentence(document))
    for row in document["rows"][:SHOWN]:
        yield ""
        yield f"{_shift(row)}  from run {row['run']} on, {row['host']}"
        yield f"  {row['cell']}"
        before, after = (_shape.ms(row[key]) for key in ("before_ms", "after_ms"))
        beside = f"; {', '.join(row['changed'])}" if row["changed"] else ""
        yield from wrapped(f"  {before} to {after} ms, {_chance(row['p'])}{beside}")
    head, rows, notes, _ = series(document)
    # The name stands last: it is the longest, and its end tells cells apart.
    turned = [[*row[1:4], row[0]] for row in rows]
    yield ""
    yield f"{head[1]:>26}  {head[2]:>5}  {head[3]:>7}  {head[0]}"
    for latest, count, changed, name in turned:
        yield f"{latest:>26}  {count:>5}  {changed:>7}  {name}"
    for text in [*notes, "", *method(document)]:
        yield from wrapped(text) or [""]


def _chance(p: float) -> str:
    return f"p {p:.1g}" if p >= _SMALLEST else f"p below {_SMALLEST:.0g}"


def page(document: Row) -> str:
    """The history as HTML that needs nothing else: no network, no file."""
    from bench.report._page import html

    return html(
        "history.html.j2",
        document=document,
        answer=sentence(document),
        picture=_picture(document),
        changes=changes(document, FILTERED),
        series=series(document, FILTERED),
        runs=runs(document, FILTERED),
        method=method(document),
    )


def _picture(document: Row) -> Row:
    """The figure as data, with its words."""
    import pandas as pd

    from bench import figures
    from bench.platform import DEFAULT, limit_profile

    module = figures.load()["history"]
    drawn, data = module.draw(document, pd.DataFrame(), limit_profile(DEFAULT))
    with tempfile.TemporaryDirectory() as folder:
        figures.save(Path(folder), "history", drawn, data)
        content = Path(folder, "history.png").read_bytes()
    return {
        "title": module.TITLE,
        "source": f"data:image/png;base64,{base64.b64encode(content).decode()}",
        "alt": str(drawn.get_label()),
    }
