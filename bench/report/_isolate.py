"""What is known of an isolate as such, against limits that are not CPU a request."""

from __future__ import annotations

from typing import Any

from bench.figures._common import foreign, milliseconds, number, runtimes_of, spoken
from bench.platform import LimitProfile
from bench.report import _origins, _shape
from bench.report._evidence import Table, ends
from bench.verdict.answer import percent

Row = dict[str, Any]

# What converting one event of the model's stream may cost more than passing it on.
CHUNK_MS = 0.010
# A line of the table, and a row of the document that it is about.
_Line = tuple[list[str], Row]
_HEAD = ["the isolate", "measured", "limit", "of it", "n"]
_STARTED = {
    "plain": "start-up",
    "total": "start-up",
    "isolate": "start-up: isolate",
    "script": "start-up: script",
    "worker": "start-up: global scope",
}
_SIZES = {"plain": "script", "gzip": "script, compressed"}


def isolate(document: Row, limits: LimitProfile) -> Table:
    """Start-up, script size, heap and conversion: what was measured, the limit."""
    found = [r for r in document.get("isolates") or [] if _value(r) is not None]
    others = foreign(document)
    names = runtimes_of(document, (row.get("runtime") for row in found))
    isolates = [name for name in names if name not in others]
    rows: list[list[str]] = []
    origins: list[_origins.Origin] = []
    for runtime in names:
        mine = [row for row in found if str(row.get("runtime")) == runtime]
        lines = [
            *_startup(mine, None if runtime in others else limits),
            *_script(mine, limits),
            *_heap(mine, limits),
            *_conversion(mine),
        ]
        name = "" if isolates == [runtime] else f", {spoken(runtime)}"
        rows += [[f"{what}{name}", *cells] for (what, *cells), _ in lines]
        origins += [_origins.isolate(row) for _, row in lines]
    notes = [text for row in found if (text := _said(row, found))]
    return Table(_HEAD, rows, notes, origins)


def _value(row: Row) -> float | None:
    return number(row.get("value"))


def _startup(rows: list[Row], limits: LimitProfile | None) -> list[_Line]:
    mine = [row for row in rows if row.get("what") == "startup"]
    # The sum comes before its parts, and it alone has a limit.
    mine.sort(key=lambda row: str(row.get("variant")) not in ("plain", "total"))
    lines: list[_Line] = []
    for row in mine:
        variant = str(row.get("variant"))
        whole = variant in ("plain", "total")
        limit = _limit(limits, "startup_ms") if whole else None
        text = f"{_shape.ms(row['value'])}{ends(row)} ms"
        name = _STARTED.get(variant, variant)
        share = _share(float(row["value"]), limit, "ms")
        lines.append(([name, text, *share, _n(row)], row))
    return lines


def _script(rows: list[Row], limits: LimitProfile) -> list[_Line]:
    lines: list[_Line] = []
    for row in rows:
        if row.get("what") == "script":
            variant, size = str(row.get("variant")), float(row["value"])
            # The limit is of what is uploaded, which is compressed.
            limit = _limit(limits, "script_mb") if variant == "gzip" else None
            name, text = _SIZES.get(variant, variant), f"{size / 1e3:,.1f} KB"
            lines.append(([name, text, *_share(size / 1e6, limit, "MB"), ""], row))
    return lines


def _heap(rows: list[Row], limits: LimitProfile) -> list[_Line]:
    by: dict[str, dict[str, float]] = {}
    about: dict[str, Row] = {}
    for row in rows:
        if row.get("what") == "heap":
            about[str(row.get("variant"))] = row
            found = by.setdefault(str(row.get("variant")), {})
            found[str(row.get("metric"))] = float(row["value"])
    limit = _limit(limits, "memory_mb")
    lines: list[_Line] = []
    for many, values in by.items():
        name = "heap, idle" if many == "0" else f"heap, {many} in flight"
        text = f"{_megabytes(next(iter(values.values())))} MB"
        if "peak" in values:
            live, peak = (_megabytes(values.get(key)) for key in ("live", "peak"))
            text = f"{live} MB live, {peak} MB peak"
        share = _share(max(values.values()), limit, "MB")
        lines.append(([name, text, *share, ""], about[many]))
    return lines


def _megabytes(value: float | None) -> str:
    return _shape.MISSING if value is None else f"{value:,.1f}"


def _conversion(rows: list[Row]) -> list[_Line]:
    return [
        (
            [
                "converting a chunk",
                f"{_micro(row)} \N{MICRO SIGN}s",
                *_share(float(row["value"]), CHUNK_MS, ""),
                _n(row),
            ],
            row,
        )
        for row in rows
        if row.get("what") == "conversion" and row.get("metric") == "cpu"
    ]


def _micro(row: Row) -> str:
    low, high = number(row.get("low")), number(row.get("high"))
    text = f"{float(row['value']) * 1e3:.1f}"
    if low is None or high is None:
        return text
    return f"{text} [{low * 1e3:.1f}, {high * 1e3:.1f}]"


def _share(value: float, limit: float | None, unit: str) -> tuple[str, str]:
    """The limit in words and the part of it that is used."""
    if limit is None:
        return "", ""
    words = f"{limit:,g} {unit}" if unit else f"{limit * 1e3:g} \N{MICRO SIGN}s"
    return words, percent(value / limit)


def _limit(limits: LimitProfile | None, name: str) -> float | None:
    if limits is None or name not in limits.limits:
        return None
    return limits.limits[name].value


def _n(row: Row) -> str:
    count = number(row.get("n"))
    return "" if count is None else f"{count:.0f}"


def _said(row: Row, found: list[Row]) -> str:
    """The conversion of a stream as a sentence; nothing for any other row."""
    if row.get("what") != "conversion" or row.get("metric") != "cpu":
        return ""
    chunks = [
        r
        for r in found
        if r.get("metric") == "chunks" and r.get("runtime") == row.get("runtime")
    ]
    over = f", over {float(chunks[0]['value']):,.0f} of them" if chunks else ""
    low, high = number(row.get("low")), number(row.get("high"))
    target = f"the target of {CHUNK_MS * 1e3:g} \N{MICRO SIGN}s"
    if high is not None and high <= CHUNK_MS:
        verdict = f"that is within {target}"
    elif low is not None and low > CHUNK_MS:
        verdict = f"that misses {target}"
    else:
        verdict = f"whether that is within {target} cannot be told"
    whole = float(row["value"]) * float(chunks[0]["value"]) if chunks else None
    total = "" if whole is None else f", {milliseconds(whole)} ms an answer"
    return (
        f"Converting the model's events costs {_micro(row)} \N{MICRO SIGN}s of CPU a "
        f"chunk more than passing the stream through{over}{total}: {verdict}."
    )
