"""The tables of ``bench worker``: verdicts, costs by route, functions, memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.figures._common import number
from bench.measure.project import HEAP, INVOCATION
from bench.project.verdicts import MIX
from bench.report import _shape
from bench.report._evidence import Table
from bench.report._lines import indented, joined, table, wrapped
from bench.verdict.answer import NO_VERDICT
from bench.verdict.raw import pattern

Row = dict[str, Any]
_TOP = 12
_SOURCE = 48  # letters
_NOTE = "Charged is the time under the isolate lock, whole all CPU of its thread."


def verdicts(document: Row, profile: str) -> Table:
    """The mix and every route against one profile of limits."""
    rows = [
        [
            row["route"],
            row["verdict"],
            _shape.share(row["confidence"]),
            _ends(row, "margin_ms", "margin_low", "margin_high"),
            _shape.ms(row["limit_ms"]),
        ]
        for row in document["verdicts"]
        if row["profile"] == profile
    ]
    notes = [
        f"{row['route']}: {row['because']}"
        for row in document["verdicts"]
        if row["profile"] == profile and row["because"]
    ]
    head = ["route", "verdict", "confidence", "margin (ms)", "limit"]
    origins = [_origin(row[0]) for row in rows]
    return Table(head, rows, notes, origins)


def origin(route: str, **parts: str) -> list[str]:
    """The requests of a route, those of every route for the mix."""
    named = {} if route == MIX else {"stage": route}
    return [pattern(**named, **parts)]


def _origin(route: str, **parts: str) -> list[str]:
    return origin(route, invocation=INVOCATION, variant="plain", **parts)


def profiles(document: Row) -> Table:
    """The mix against every profile of limits."""
    rows = [
        [
            row["profile"],
            row["verdict"],
            _shape.share(row["confidence"]),
            _ends(row, "margin_ms", "margin_low", "margin_high"),
            _shape.ms(row["limit_ms"]),
        ]
        for row in document["verdicts"]
        if row["route"] == MIX
    ]
    head = ["limits", "verdict", "confidence", "margin (ms)", "limit"]
    return Table(head, rows, [], [_origin(MIX) for _ in rows])


def costs(document: Row) -> Table:
    """Every route and phase, and the mix: what is charged, the whole, and the calls."""
    limit = number(document["limits"]["cpu_ms"])
    rows = []
    for row in [*document["rows"], *map(_as_row, document["totals"])]:
        charged = number(row["locked_ms"])
        part = charged / limit if charged is not None and limit else None
        rows.append(
            [
                row["route"],
                row["phase"],
                _ends(row, "locked_ms", "locked_low", "locked_high"),
                _shape.share(part),
                _shape.ms(row["cpu_ms"]),
                _shape.ms(row["wall_ms"]),
                _shape.text(row["subrequests"]),
                ", ".join(row["statuses"]) or _shape.MISSING,
                _shape.text(row["n"]),
            ]
        )
    head = ["route", "phase", "charged (ms)", "of limit", "whole", "wall", "calls"]
    notes = [_NOTE, *_failures(document), *_floors(document)]
    origins = [_origin(route, phase=phase) for route, phase, *_ in rows]
    return Table([*head, "status", "n"], rows, notes, origins)


def functions(document: Row) -> Table:
    """The functions that the warm mix spends most in, by themselves."""
    rows = [
        [
            row["function"],
            _tail(row["source"]),
            _shape.ms(row["self_ms"]),
            _shape.share(row["share"]),
        ]
        for row in document["functions"][:_TOP]
    ]
    notes = ["Sampled, a request of the warm mix; names in parentheses are V8's."]
    origins = [["worker.json#functions"] for _ in rows]
    return Table(["function", "source", "self (ms)", "share"], rows, notes, origins)


def _tail(source: str) -> str:
    """The end of a long path, which says more than its beginning."""
    if len(source) <= _SOURCE:
        return source
    return f"\N{HORIZONTAL ELLIPSIS}{source[1 - _SOURCE :]}"


def memory(document: Row) -> Table:
    """The heap with requests in flight."""
    rows = [
        [row["what"], str(row["concurrent"]), str(row["in_flight"]), f"{row['mb']:.1f}"]
        for row in document["memory"]["rows"]
    ]
    notes = ["In flight are those without an answer when the heap was read; limit 128."]
    origins = [
        [pattern(invocation=INVOCATION, stage=HEAP, variant=row["concurrent"])]
        for row in document["memory"]["rows"]
    ]
    head = ["heap", "sent at once", "in flight", "MB"]
    return Table(head, rows, notes, origins)


def text(document: Row) -> str:
    """All of it, at most 100 columns wide."""
    machine, limits = document.get("machine") or {}, document["limits"]
    project = document["project"]
    lines = [
        f"run {document.get('run', 'unknown')}, host {machine.get('host', 'unknown')}",
        f"{project['name']}: {project['main']}, {project['script_bytes']:,} bytes, "
        f"{project['gzip_bytes']:,} gzipped; intervals are 95 % over n process groups",
        *_said(document),
        *table("all requests, by limits", profiles(document)),
        *table(
            f"by route, limits {limits['name']}", verdicts(document, limits["name"])
        ),
        *table("cost of a request", costs(document)),
        *table("where the CPU goes", functions(document)),
        *_profiles(document),
        *table("memory", memory(document)),
        *_outside(document),
    ]
    return joined([*lines, "", *wrapped(sentence(document))])


def sentence(document: Row) -> str:
    """The verdict on the mix in words."""
    limits = document["limits"]
    [row] = [
        each
        for each in document["verdicts"]
        if each["route"] == MIX and each["profile"] == limits["name"]
    ]
    name = document["project"]["name"]
    if row["verdict"] == NO_VERDICT:
        return f"There is no verdict on {name}: {row['because']}."
    said = (
        f"Within the {limits['cpu_ms']:,g} ms of {limits['name']}, {name} "
        f"{row['verdict']}, in {_shape.share(row['confidence'])} of the worlds drawn: "
        "banks of unpublished size, and 0.5 to 2 of Cloudflare's milliseconds for one "
        "of this machine's."
    )
    because = row["because"]
    return f"{said} {because[0].upper()}{because[1:]}." if because else said


def _said(document: Row) -> Iterator[str]:
    """What was replayed, and what stood behind the bindings."""
    asked = document["requests"]
    parts = [f"requests of {asked.get('file', 'none but GET /')}: {asked['total']:,}"]
    parts.append(f"{asked['replayed']:,} different ones replayed")
    parts += [f"{n:,} skipped: {why}" for why, n in asked["skipped"].items()]
    if asked["assets"]:
        parts.append(f"{sum(asked['assets'].values()):,} answered by static assets")
    yield from wrapped("; ".join(parts))
    for each in document["unavailable"]:
        yield from indented(
            f"{each['binding']} ({each['kind']}): stubbed, every call fails"
        )
    for each in document["bindings"]:
        yield from indented(f"{each['name']} ({each['kind']}): {each['note']}")


def _profiles(document: Row) -> Iterator[str]:
    """Where the flame graph is, and what opens the profile."""
    if document["profile"]:
        yield from indented(
            "Flame graph: profiles/worker.speedscope.json opens in speedscope, "
            "worker.cpuprofile in DevTools, worker.folded.txt is for FlameGraph."
        )


def _outside(document: Row) -> Iterator[str]:
    """Hosts that were asked and had no prepared answer."""
    refused = [each for each in document["outside"] if each["answered"] == 502]
    hosts = dict.fromkeys(each["host"] for each in refused)
    if hosts:
        yield ""
        yield from indented(
            f"Answered 502, because --outbound has no answer of: {', '.join(hosts)}"
        )


def _as_row(total: Row) -> Row:
    blank: Row = {"subrequests": None, "statuses": {}, "error": None}
    return {**total, "route": MIX, "cpu_ms": total["whole_cpu_ms"], **blank}


def _failures(document: Row) -> list[str]:
    return [
        f"{row['route']}, {row['phase']} failed: {row['error']}"
        for row in document["rows"]
        if row["error"]
    ]


def _floors(document: Row) -> list[str]:
    floors = [number(row["floor_cpu_ms"]) for row in document["totals"]]
    known = [each for each in floors if each is not None]
    said = "An empty Worker's request takes {} ms of the thread; nothing is subtracted."
    return [said.format(_shape.ms(known[-1]))] if known else []


def _ends(row: Row, key: str, low: str, high: str) -> str:
    """A number in ms with its interval, a dash where it is missing."""
    if number(row.get(key)) is None:
        return _shape.MISSING
    if number(row.get(low)) is None:
        return _shape.ms(row[key])
    return f"{_shape.ms(row[key])} [{_shape.ms(row[low])}, {_shape.ms(row[high])}]"
