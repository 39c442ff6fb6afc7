"""The tables of ``bench workloads``: terminal, page and notebook show the same."""

from __future__ import annotations

from typing import Any

from bench.figures._common import number
from bench.figures._contest import Row, estimate, listed
from bench.figures._contest import limit as _limit
from bench.report import _engines, _shape
from bench.report._compared import with_ends
from bench.report._evidence import Table
from bench.verdict.raw import pattern
from bench.workloads import load

_LIMIT_NOTE = "Charged is the time under the isolate lock, whole all CPU of its thread."


def costs(document: Row) -> Table:
    """Every case: what is charged with its interval, the whole, and what it moves."""
    _, limit = _limit(document)
    rows = []
    for row in listed(document, "rows"):
        charged = number(row.get("locked_ms"))
        share = charged / limit if charged is not None and limit else None
        rows.append(
            [
                label(row),
                str(row.get("phase")),
                with_ends(estimate(row, "locked_ms", "locked_low", "locked_high")),
                _shape.share(share),
                _shape.ms(row.get("cpu_ms")),
                _shape.ms(row.get("wall_ms")),
                _shape.text(row.get("subrequests")),
                _shape.text(row.get("n")),
            ]
        )
    head = ["workload, route, size", "phase", "charged (ms)", "of limit", "whole"]
    notes = [_LIMIT_NOTE, *failures(document)]
    origins = [_origin(row, row.get("fixture")) for row in listed(document, "rows")]
    return Table([*head, "wall", "calls", "n"], rows, notes, origins)


def _origin(row: Row, *fixture: Any) -> list[str]:
    """The requests of a case, those of every size without one."""
    named = {"fixture": fixture[0]} if fixture else {}
    place = {"runtime": "workerd", "phase": row.get("phase"), "invocation": "workload"}
    case = {"stage": row.get("workload"), "variant": row.get("route")}
    return [pattern(**place, **case, **named)]


def laws(document: Row) -> Table:
    """How what is charged grows with the input, and where it reaches the limit."""
    found = listed(document, "laws")
    rows = [
        [
            label(law),
            str(law.get("phase")),
            with_ends(estimate(law, "fixed_ms", "fixed_ms_low", "fixed_ms_high")),
            _per_thousand(law),
            _reached(law),
        ]
        for law in found
    ]
    head = ["workload", "phase", "fixed (ms)", "ms a thousand", "limit at"]
    notes = ["A line through the sizes; beyond the measured ones it is extrapolated."]
    notes += dict.fromkeys(map(_measured, found))
    return Table(head, rows, notes, list(map(_origin, found)))


def _measured(law: Row) -> str:
    ends = f"{_size(law.get('smallest'))} to {_size(law.get('largest'))}"
    return f"{label(law)}: measured at {ends} {law.get('unit')}."


def articles(document: Row) -> Table:
    """The article's two columns beside what is replayed for each of its rows."""
    known = load()
    names = dict.fromkeys(str(row.get("workload")) for row in listed(document, "rows"))
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
    """Which cases are charged more than the limit, surely or perhaps, in words, and
    what the engines outside take."""
    name, limit = _limit(document)
    known = [row for row in listed(document, "rows") if not row.get("error")]
    outside = _engines.sentence(document)
    if limit is None or not known:
        return f"No workload was measured. {outside}".rstrip()
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
    return " ".join([*parts, outside]).rstrip()


def label(row: Row) -> str:
    """A case as a table names it; the native route goes without saying."""
    route = row.get("route")
    parts = [row.get("workload"), None if route == "native" else route]
    return ", ".join(str(part) for part in [*parts, row.get("fixture")] if part)


def failures(document: Row) -> list[str]:
    """A sentence for each case that failed."""
    return [
        f"{label(row)}, {row.get('phase')} failed: {row['error']}"
        for row in listed(document, "rows")
        if row.get("error")
    ]


def _per_thousand(law: Row) -> str:
    found = estimate(law, "per_unit_ms", "per_unit_ms_low", "per_unit_ms_high")
    return with_ends(found, 1000)


def _reached(law: Row) -> str:
    """The size at the limit with its interval, which may begin at nothing at all and
    end nowhere."""
    value, low, high = (
        number(law.get(f"reaches{end}")) for end in ("", "_low", "_high")
    )
    if value is None:
        return _shape.MISSING
    end = "\N{INFINITY}" if high is None else _size(high)
    return f"{_size(value)} [{_size(max(low or 0.0, 0.0))}, {end}]"


def _size(size: Any) -> str:
    """A size with two digits or three: 478k, 1.2M, 800."""
    value = number(size)
    if value is None:
        return _shape.MISSING
    for scale, letter in ((1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{value / scale:.3g}{letter}"
    return f"{value:.0f}"
