"""Engines outside of Workers in the document of ``bench workloads``: which ran, how
long a request takes each, and how that grows."""

from __future__ import annotations

from typing import Any

from bench.figures._axes import Estimate
from bench.figures._common import milliseconds, number
from bench.figures._contest import Row, estimate, listed
from bench.report import _shape
from bench.report._compared import count
from bench.report._evidence import WARN, Table
from bench.verdict.raw import pattern

_ASKED = {
    "rag_complex": "filtered",
    "unfiltered": "unfiltered",
    "conversation_load": "load",
    "conversation_save": "save",
}
_SERVICE = (
    "Service is the wall clock of a typical request inside the engine, one after the "
    "other on a core of its own; recall is the share of the exact answer."
)
_DAY_MS = 86_400_000


def _outside(document: Row) -> Row:
    found = document.get("engines")
    return found if isinstance(found, dict) else {}


def engines(document: Row) -> Table:
    """Each engine with its version and whether it ran; why not stands below."""
    found = _outside(document)
    rows = [
        [str(row.get("engine")), str(row.get("version")), _state(found, row)]
        for row in listed(found, "engines")
    ]
    notes = [f"{_name(row)}: {row.get('note')}." for row in listed(found, "engines")]
    origins = [_origin(row) for row in listed(found, "engines")]
    head = ["engine", "version", "here"]
    return Table(head, rows, [*notes, *_skipped(found)], origins)


def _origin(row: Row, *keys: str) -> list[str]:
    """The requests to an engine that have these parts of the row."""
    named = {key: row.get(key) for key in keys}
    return [pattern(invocation="engine", variant=row.get("engine"), **named)]


def _name(row: Row) -> str:
    return str(row.get("engine"))


def _state(found: Row, row: Row) -> str:
    if row.get("unavailable"):
        return "skipped"
    if any(_is_of(error, _name(row)) for error in listed(found, "errors")):
        return "failed"
    ran = {_name(each) for each in listed(found, "services")}
    return "measured" if _name(row) in ran else "not measured"


def _is_of(error: Row, name: str) -> bool:
    key = error.get("key")
    return isinstance(key, dict) and name in (key.get("engine"), key.get("route"))


def _skipped(found: Row) -> list[str]:
    return [
        f"{WARN} {_name(row)} skipped: {row['unavailable']}."
        for row in listed(found, "engines")
        if row.get("unavailable")
    ]


def services(document: Row) -> Table:
    """What a request takes an engine by itself, by request and size."""
    rows = [
        [
            f"{_name(row)}, {_asked(row)}, {_size(row)}",
            _shape.ms(row.get("service_ms")),
            _shape.ms(row.get("cpu_ms")),
            _shape.ms(row.get("wall_ms")),
            _shape.share(row.get("recall")),
            count(row.get("n")),
        ]
        for row in listed(_outside(document), "services")
    ]
    head = ["engine, request, size", "service (ms)", "CPU", "trip", "recall", "n"]
    found = listed(_outside(document), "services")
    origins = [_origin(row, "stage", "fixture") for row in found]
    return Table(head, rows, [_SERVICE], origins)


def _asked(row: Row) -> str:
    return _ASKED.get(str(row.get("stage")), str(row.get("stage")))


def _size(row: Row) -> str:
    what = "vectors" if "x" in str(row.get("fixture")) else "conversations"
    return f"{count(row.get('size'))} {what}"


def sizes(document: Row) -> Table:
    """The law of an engine's service time by size, and what it says of the size that
    the question is about."""
    found = _outside(document)
    laws = [row for row in listed(found, "laws") if row.get("metric") == "service_ms"]
    rows = [
        [
            f"{_name(row)}, {_asked(row)}",
            _exponent(row),
            f"{count(row.get('smallest'))} to {count(row.get('largest'))}",
            count(row.get("at")),
            _there(estimate(row, "value", "low", "high")),
        ]
        for row in laws
    ]
    head = ["engine, request", "exponent", "measured", "at", "service there (ms)"]
    notes = [str(found["note"])] if found.get("note") else []
    return Table(head, rows, notes, [_origin(row, "stage") for row in laws])


def _exponent(row: Row) -> str:
    ends = [number(row.get(f"exponent{end}")) for end in ("", "_low", "_high")]
    value, low, high = (_shape.MISSING if e is None else f"{e:.2f}" for e in ends)
    return f"{value} [{low}, {high}]".replace("-", "\N{MINUS SIGN}")


def _there(found: Estimate | None) -> str:
    if found is None:
        return _shape.MISSING
    return f"{_span(found.value)} [{_span(found.low)}, {_span(found.high)}]"


def _span(ms: float | None) -> str:
    """Milliseconds up to a day. What grew beyond any number has none."""
    return ">1 day" if ms is None or ms > _DAY_MS else milliseconds(ms)


def sentence(document: Row) -> str:
    """What the article's filter takes each engine at the largest size, and who was
    skipped and why; nothing where no engine was asked for."""
    found = _outside(document)
    largest: dict[str, Row] = {}
    for row in listed(found, "services"):
        if row.get("stage") == "rag_complex" and number(row.get("size")) is not None:
            before = largest.get(_name(row))
            if before is None or _of(row, "size") > _of(before, "size"):
                largest[_name(row)] = row
    said = [
        f"{name} {_shape.ms(row.get('service_ms'))} ms in {_size(row)} "
        f"(recall {_shape.share(row.get('recall'))})"
        for name, row in largest.items()
    ]
    parts = [f"Outside, the article's filter takes {', '.join(said)}."] if said else []
    return " ".join([*parts, *_skipped(found)])


def _of(row: Row, key: str) -> float:
    value: Any = number(row.get(key))
    return 0.0 if value is None else float(value)
