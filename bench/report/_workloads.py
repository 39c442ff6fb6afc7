"""The tables of ``bench workloads``: a terminal and a notebook show the same."""

from __future__ import annotations

from typing import Any

from bench.figures._common import number
from bench.report import _shape
from bench.report._evidence import Table
from bench.report._lines import joined, table, wrapped
from bench.workloads import load

Row = dict[str, Any]
_LIMIT_NOTE = "Charged is the time under the isolate lock, whole all CPU of its thread."


def costs(document: Row) -> Table:
    """Every case: what is charged with its interval, the whole, and what it moves."""
    limit = number((document.get("limits") or {}).get("cpu_ms"))
    rows = []
    for row in document.get("rows") or []:
        charged = number(row.get("locked_ms"))
        share = charged / limit if charged is not None and limit else None
        rows.append(
            [
                label(row),
                str(row.get("phase")),
                ends(row, "locked_ms", "locked_low", "locked_high"),
                _shape.share(share),
                _shape.ms(row.get("cpu_ms")),
                _shape.ms(row.get("wall_ms")),
                _shape.text(row.get("subrequests")),
                _shape.text(row.get("n")),
            ]
        )
    head = ["workload, route, size", "phase", "charged (ms)", "of limit", "whole"]
    notes = [_LIMIT_NOTE, *failures(document)]
    return Table([*head, "wall", "calls", "n"], rows, notes)


def laws(document: Row) -> Table:
    """How what is charged grows with the input, and where it reaches the limit."""
    rows = [
        [
            f"{law['workload']}, {law['route']}",
            str(law["phase"]),
            ends(law, "fixed_ms", "fixed_ms_low", "fixed_ms_high"),
            _per_thousand(law),
            f"{_size(law['smallest'])} to {_size(law['largest'])}",
            _reached(law),
            str(law["unit"]),
        ]
        for law in document.get("laws") or []
    ]
    head = ["workload, route", "phase", "fixed (ms)", "ms a thousand", "measured"]
    notes = ["A line through the sizes; beyond the measured ones it is extrapolated."]
    return Table([*head, "limit at", "unit"], rows, notes)


def articles(document: Row) -> Table:
    """The article's two columns beside what is replayed for each of its rows."""
    known = load()
    names = dict.fromkeys(str(row["workload"]) for row in document.get("rows") or [])
    rows = [
        [
            known[name].TITLE,
            known[name].ARTICLE["native"],
            known[name].ARTICLE["external"],
            known[name].NOTE,
        ]
        for name in names
        if name in known
    ]
    return Table(["workload", "Workers-native", "external", "replayed"], rows, [])


def sentence(document: Row) -> str:
    """Which cases are charged more than the limit, surely or perhaps, in words."""
    limits = document.get("limits") or {}
    name, limit = limits.get("name"), number(limits.get("cpu_ms"))
    known = [row for row in document.get("rows") or [] if not row.get("error")]
    if limit is None or not known:
        return "No workload was measured."
    over: list[str] = []
    near = 0
    for row in known:
        value, low, high = (
            number(row.get(key)) for key in ("locked_ms", "locked_low", "locked_high")
        )
        said = f"{label(row)} ({row.get('phase')}, {_shape.ms(value)} ms)"
        if value is not None and value > limit and low is not None and low > limit:
            over.append(said)
        elif high is not None and high > limit:
            near += 1
    parts = [
        f"Of {len(known)} cases that were measured, {len(over)} are charged more than "
        f"the {limit:,g} ms that {name} allows a request"
        + (f": {'; '.join(over)}." if over else ".")
    ]
    if near:
        parts.append(f"Intervals of {near} more include that limit.")
    parts.append("This is one request; the limit is kept over many by a bank.")
    return " ".join(parts)


def text(document: Row) -> str:
    """Both tables, at most 100 columns wide."""
    machine, limits = document.get("machine") or {}, document.get("limits") or {}
    lines = [
        f"run {document.get('run', 'unknown')}, host {machine.get('host', 'unknown')}",
        "workloads in workerd; intervals are 95 % over n process groups; limits "
        f"{limits.get('name')}: {limits.get('cpu_ms', 0):,g} ms a request",
        *table("cost of a request", costs(document)),
        *table("by size", laws(document)),
    ]
    return joined([*lines, "", *wrapped(sentence(document))])


def label(row: Row) -> str:
    """A case as a table names it; the native route goes without saying."""
    route = row.get("route")
    parts = [row.get("workload"), None if route == "native" else route]
    return ", ".join(str(part) for part in [*parts, row.get("fixture")] if part)


def ends(row: Row, key: str, low: str, high: str) -> str:
    """A number in ms with its interval, a dash where it is missing."""
    if number(row.get(key)) is None:
        return _shape.MISSING
    return f"{_shape.ms(row[key])} [{_shape.ms(row[low])}, {_shape.ms(row[high])}]"


def failures(document: Row) -> list[str]:
    """A sentence for each case that failed."""
    return [
        f"{label(row)}, {row.get('phase')} failed: {row['error']}"
        for row in document.get("rows") or []
        if row.get("error")
    ]


def _per_thousand(law: Row) -> str:
    keys = ("per_unit_ms", "per_unit_ms_low", "per_unit_ms_high")
    scaled = {key: None if law[key] is None else 1000 * law[key] for key in keys}
    return ends(scaled, *keys)


def _reached(law: Row) -> str:
    """The size at the limit with its interval, which may end at nothing at all."""
    found = [number(law.get(f"reaches{end}")) for end in ("", "_low", "_high")]
    if found[0] is None:
        return _shape.MISSING
    value, low, high = (_size(max(each or 0.0, 0.0)) for each in found)
    return f"{value} [{low}, {high}]"


def _size(value: float) -> str:
    """A size with two digits or three: 478k, 1.2M, 800."""
    for scale, letter in ((1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{value / scale:.3g}{letter}"
    return f"{value:.0f}"
