"""The table of ``bench worker --against``: what two versions of a Worker cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from bench.figures._common import number
from bench.measure.checkouts import BASELINE, CANDIDATE
from bench.measure.project_turns import INVOCATION
from bench.project.verdicts import MIX
from bench.report import _shape
from bench.report._evidence import Table
from bench.report._lines import joined, table, wrapped
from bench.report._project import origin
from bench.verdict.compare import VERDICTS

Row = dict[str, Any]
_METRIC = {
    "locked": "Charged is the time under the isolate lock.",
    "cpu": "Charged is CPU of the thread: this workerd does not trace its lock.",
}


def ratios(document: Row) -> Table:
    """Every route: what a request is charged before and after, and the verdict."""
    rows = [
        [
            row["route"],
            row["verdict"],
            _interval(row, "ratio", "low", "high"),
            _shape.ratio(row["control"]),
            _shape.ms(row["old_ms"]),
            _shape.ms(row["new_ms"]),
            _shape.text(row["n"]),
        ]
        for row in document["rows"]
    ]
    why: dict[str, list[str]] = {}
    for row in document["rows"]:
        if row["why"]:
            why.setdefault(row["why"], []).append(row["route"])
    notes = [f"{', '.join(routes)}: {said}" for said, routes in why.items()]
    other = [
        row["route"] for row in document["rows"] if row["answers"] == "other bytes"
    ]
    if other:
        notes.append(f"Answers have other bytes than before: {', '.join(other)}")
    head = ["route", "verdict", "new / old", "old / old", "old (ms)", "new (ms)", "n"]
    origins = [origin(row[0], invocation=INVOCATION) for row in rows]
    return Table(head, rows, notes, origins)


def about(document: Row) -> str:
    """What a reader needs to know of the table."""
    rules = document["rules"]
    return (
        f"{_METRIC[document['metric']]} The same is within {rules['within']:.1%}; "
        f"each interval is at {rules['confidence']:.2%}, so that all hold together "
        "at 97 %. Where old against itself differs from 1, the machine was not "
        "still."
    )


def sentence(document: Row) -> str:
    """The answer: of how many routes which verdict, and of all requests."""
    routes = [row for row in document["rows"] if row["route"] != MIX]
    counts = Counter(row["verdict"] for row in routes)
    told = ", ".join(f"{counts[each]} {each}" for each in VERDICTS if counts[each])
    whole = document["rows"][0]
    name = document["versions"][CANDIDATE]["name"]
    said = f"Of {len(routes)} routes of {name}: {told}."
    if number(whole["ratio"]) is None:
        return said
    ratio = _interval(whole, "ratio", "low", "high")
    which = "All requests together cost" if len(routes) > 1 else "It costs"
    return f"{said} {which} {ratio} times what they did: {whole['verdict']}."


def text(document: Row) -> str:
    """All of it, at most 100 columns wide."""
    machine = document.get("machine") or {}
    lines = [
        f"run {document.get('run', 'unknown')}, host {machine.get('host', 'unknown')}",
        *_sizes(document),
        *table("what a request is charged", ratios(document)),
        "",
        *wrapped(about(document)),
        "",
        *wrapped(sentence(document)),
    ]
    return joined(lines)


def _sizes(document: Row) -> Iterator[str]:
    versions = document["versions"]
    old, new = versions[BASELINE], versions[CANDIDATE]
    yield from wrapped(
        f"{new['name']}: {new['script_bytes']:,} bytes, {new['gzip_bytes']:,} gzipped; "
        f"before {old['script_bytes']:,} and {old['gzip_bytes']:,}"
    )


def _interval(row: Row, key: str, low: str, high: str) -> str:
    if number(row[key]) is None:
        return _shape.MISSING
    return f"{row[key]:.3f} [{row[low]:.3f}, {row[high]:.3f}]"
