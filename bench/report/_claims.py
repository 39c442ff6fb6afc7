"""The article's claims on a page: a table a verdict, and what each verdict rests on."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures._contest import Row, listed
from bench.report._compared import idents, sources
from bench.report._evidence import Table
from bench.verdict.claims import _text
from bench.verdict.claims._ground import SOURCE


def tables(document: Row) -> Iterator[tuple[str, Table]]:
    """Verdict by verdict: what the article says, what was found, and why."""
    for verdict, rows in _text.by_verdict(document).items():
        cells = [
            [
                f"{row.get('id')}: {row.get('claim')}",
                _text.article(row),
                _text.ours(row),
                str(row.get("why")),
            ]
            for row in rows
        ]
        title = f"{_text.SYMBOLS[verdict]} {verdict}: {len(rows)}"
        head = ["claim", "the article", "here", "why"]
        yield title, Table(head, cells, [], list(map(_origin, rows)))


def _origin(row: Row) -> list[str]:
    """What a verdict rests on; without any evidence the claim itself."""
    return idents(row) or [f"{SOURCE}{row.get('id')}"]


def evidence(document: Row) -> Table:
    """The ids that lead back from each claim to samples, inputs and sources."""
    rows = listed(document, "rows")
    return sources((str(row.get("id")), idents(row)) for row in rows)


sentence = _text.sentence
