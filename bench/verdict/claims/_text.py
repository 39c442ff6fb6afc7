"""The claims as a terminal shows them, and as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from bench.figures._common import number
from bench.figures._contest import listed
from bench.verdict.claims._judge import (
    ELSEWHERE,
    MISSING,
    NOT_REPRODUCED,
    OUTDATED,
    REPRODUCED,
    VERDICTS,
    Found,
)
from bench.verdict.claims._outcome import told

SYMBOLS = {
    REPRODUCED: "\N{CHECK MARK}",
    NOT_REPRODUCED: "\N{MULTIPLICATION X}",
    OUTDATED: "~",
    ELSEWHERE: "\N{EN DASH}",
    MISSING: "?",
}
WIDTH = 100
_INDENT = 6
_WORDS = {"under": "under ", "over": "over ", "": ""}
Row = dict[str, Any]


def article(row: Row) -> str:
    """What the article says: ``4 ms``, ``2 to 4 ms``, ``under 100 ms``, or a word."""
    value, to = number(row.get("article")), number(row.get("article_to"))
    if value is None:
        return str(row.get("article"))
    ends = f"{value:,.10g}" if to is None else f"{value:,.10g} to {to:,.10g}"
    bound = _WORDS.get(str(row.get("bound") or ""), "")
    text = f"{bound}{ends} {row.get('unit') or ''}".strip()
    return text if row.get("stated") is not False else f"none, held to {text}"


def ours(row: Row) -> str:
    """What was found: a number with its interval, words, or a dash."""
    value = number(row.get("measured"))
    if value is None:
        return str(row.get("measured") or "\N{EN DASH}")
    found = Found(value, number(row.get("low")), number(row.get("high")))
    return told(found, str(row.get("unit") or ""))


def by_verdict(document: Row) -> dict[str, list[Row]]:
    """Rows of each verdict that has any, in the order of the verdicts."""
    rows = listed(document, "rows")
    known = {name: [r for r in rows if r.get("verdict") == name] for name in VERDICTS}
    return {name: found for name, found in known.items() if found}


def sentence(document: Row) -> str:
    """How many claims there are, and how many of each verdict."""
    groups = by_verdict(document)
    total = sum(map(len, groups.values()))
    if not total:
        return "No claim was judged."
    said = ", ".join(f"{len(found)} {name}" for name, found in groups.items())
    name = (document.get("limits") or {}).get("name")
    return f"Of {total} claims of the article: {said} (limits: {name})."


def terminal(document: Row) -> str:
    """Every claim under its verdict, no line longer than `WIDTH`."""
    return "\n".join(_lines(document))


def _lines(document: Row) -> Iterator[str]:
    for verdict, rows in by_verdict(document).items():
        yield f"{SYMBOLS[verdict]} {verdict} ({len(rows)})"
        yield ""
        for row in rows:
            yield from _wrapped(f"{row['id']}: {row['claim']}.", 2)
            found = f"article {article(row)}"
            if row.get("measured") is not None:
                found += f" | here {ours(row)}"
            yield from _wrapped(found, _INDENT)
            yield from _wrapped(str(row["why"]), _INDENT)
        yield ""
    yield from _wrapped(sentence(document), 0)


def _wrapped(text: str, indent: int) -> list[str]:
    rest = " " * max(indent, _INDENT if indent else 0)
    return textwrap.wrap(
        text, WIDTH, initial_indent=" " * indent, subsequent_indent=rest
    )


def markdown(document: Row, verdict: str) -> str:
    """A table of the claims of one verdict: article, ours, and why."""
    rows = by_verdict(document).get(verdict, [])
    if not rows:
        return "None."
    head = ["| claim | article | here | why |", "|---|---|---|---|"]
    body = [f"| {' | '.join(map(_cell, _cells(row)))} |" for row in rows]
    return "\n".join([*head, *body])


def _cells(row: Row) -> list[Any]:
    return [f"`{row['id']}` {row['claim']}", article(row), ours(row), row["why"]]


def _cell(text: object) -> str:
    # A dollar begins mathematics in a notebook.
    safe = str(text).replace("|", "\\|").replace("$", "\\$")
    return " ".join(safe.split())
