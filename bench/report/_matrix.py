"""The decision matrix on a page: coloured cells with symbols, and what they rest on."""

from __future__ import annotations

from bench.figures._common import number
from bench.figures._contest import Row, listed
from bench.report import _shape
from bench.report._compared import idents, sources
from bench.report._evidence import Table, Toned
from bench.verdict import matrix_text
from bench.verdict._matrix_terms import NOT_MEASURED, UNTIL
from bench.verdict.answer import FITS, TOO_MUCH, percent

_TONES = {FITS: "fits", UNTIL: "until", TOO_MUCH: "over", NOT_MEASURED: "unknown"}
_SAID = {
    FITS: "fit",
    UNTIL: "fit until an isolate has served so many requests",
    TOO_MUCH: "do not fit",
    NOT_MEASURED: "were not measured",
}
_OTHER = "\N{NOT EQUAL TO}"
_NOTE = f"{_OTHER} is not as the article says."


def overview(document: Row) -> Table:
    """Every workload in every profile, beside what the article says."""
    names = matrix_text.profiles(document)
    rows, origins = [], []
    for found in matrix_text.by_workload(document).values():
        first = next(iter(found.values()))
        article = f"{first.get('article')}; {first.get('article_choice')}"
        cells = [_cell(found.get(name, {})) for name in names]
        rows.append([_title(first), article, *cells])
        origins.append([ident for row in found.values() for ident in idents(row)])
    notes = [matrix_text.key(document), _NOTE] if rows else []
    return Table(["workload", "the article", *names], rows, notes, origins)


def _title(row: Row) -> str:
    return str(row.get("title") or row.get("workload"))


def _cell(row: Row) -> Toned:
    other = f" {_OTHER}" if row.get("agrees") == "no" else ""
    tone = _TONES.get(matrix_text.kind(row), "unknown")
    return Toned(f"{matrix_text.cell(row)}{other}", tone)


def strictest(document: Row) -> str:
    """The profile that allows the least CPU; blank for none."""

    def allowed(row: Row) -> float:
        limit = number(row.get("limit_ms"))
        return float("inf") if limit is None else limit

    rows = listed(document, "rows")
    return str(min(rows, key=allowed).get("profile")) if rows else ""


def details(document: Row) -> Table:
    """Every workload in the strictest profile: what is left, what decides, and where to
    put it."""
    found = matrix_text.of(document, strictest(document))
    rows = [
        [
            _title(row),
            _cell(row),
            matrix_text.margin(row).replace("-", "\N{MINUS SIGN}"),
            _driver(row),
            str(row.get("choice") or _shape.MISSING),
            _factor(row),
        ]
        for row in found
    ]
    head = ["workload", "verdict", "margin (ms)", "decided by", "put it"]
    return Table([*head, "up to factor"], rows, [], list(map(idents, found)))


def _driver(row: Row) -> str:
    part = number(row.get("driver_share"))
    share = "" if part is None else f" ({percent(part)})"
    return f"{row.get('driver') or _shape.MISSING}{share}"


def _factor(row: Row) -> str:
    flips = row.get("flips_at")
    return _shape.ms(flips.get("factor") if isinstance(flips, dict) else None)


def reasons(document: Row) -> Table:
    """In the strictest profile: why ours is the article's verdict, or not."""
    found = matrix_text.of(document, strictest(document))
    rows = [[_title(row), str(row.get("why"))] for row in found]
    return Table(["workload", "why"], rows, [], list(map(idents, found)))


def evidence(document: Row) -> Table:
    """The ids of the samples behind each workload's row."""
    named: dict[str, list[str]] = {}
    for row in listed(document, "rows"):
        named.setdefault(_title(row), []).extend(idents(row))
    return sources((name, list(dict.fromkeys(ids))) for name, ids in named.items())


def sentence(document: Row) -> str:
    """How many workloads have which verdict in the strictest profile, which are not as
    the article says, and how many fit the others."""
    name = strictest(document)
    rows = matrix_text.of(document, name)
    if not rows:
        return "No workload was judged."
    known = {kind: [r for r in rows if matrix_text.kind(r) == kind] for kind in _SAID}
    said = [
        f"{len(mine)} {_SAID[kind]} ({_names(mine)})"
        for kind, mine in known.items()
        if mine
    ]
    parts = [f"On {name}, of {len(rows)} workloads {'; '.join(said)}."]
    if other := [row for row in rows if row.get("agrees") == "no"]:
        parts.append(f"Not as the article says: {_names(other)}.")
    if others := [each for each in matrix_text.profiles(document) if each != name]:
        fits = [f"{_fitting(document, each)} fit {each}" for each in others]
        parts.append(f"Of the other limits: {', '.join(fits)}.")
    return " ".join(parts)


def brief(document: Row) -> str:
    """The verdicts in the strictest profile, counted: ``free: 7 fit, 3 do not fit``."""
    name = strictest(document)
    kinds = [matrix_text.kind(row) for row in matrix_text.of(document, name)]
    said = [
        f"{kinds.count(kind)} {words.partition(' until')[0]}"
        + (" for a while" if kind == UNTIL else "")
        for kind, words in _SAID.items()
        if kind in kinds
    ]
    return f"{name}: {', '.join(said)}" if said else ""


def _names(rows: list[Row]) -> str:
    return ", ".join(str(row.get("workload")) for row in rows)


def _fitting(document: Row, profile: str) -> int:
    rows = matrix_text.of(document, profile)
    return sum(matrix_text.kind(row) == FITS for row in rows)
