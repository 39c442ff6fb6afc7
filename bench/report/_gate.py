"""What a gate decided, as a terminal shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.figures._common import number
from bench.report._lines import joined, wrapped
from bench.verdict.gate import VERDICTS

Row = dict[str, Any]


def terminal(document: Row) -> str:
    """Every cell, what failed first, then how many there are of each verdict."""
    return joined(_lines(document))


def _lines(document: Row) -> Iterator[str]:
    if document["reasons"]:
        yield "Forced: the runs differ in more than the code:"
        for reason in document["reasons"]:
            yield from wrapped(f"- {reason}")
    for verdict in VERDICTS:
        for row in document["rows"]:
            if row["verdict"] == verdict:
                yield f"{verdict:15} {row['budget']}: {_said(row)}"
                yield f"    {row['cell']}"
                if row["why"]:
                    yield f"    {row['why']}"
    yield from wrapped(_sentence(document))


def _sentence(document: Row) -> str:
    rows, counts = document["rows"], document["counts"]
    said = ", ".join(f"{counts[name]} {name}" for name in VERDICTS if counts[name])
    parts = [f"Of {len(rows)} cells: {said}."]
    if any(row["unit"] == "ms" for row in rows):
        parts.append(
            "Limits in ms are of this machine: the transfer factor to Cloudflare's, "
            "0.5 to 2, is not applied."
        )
    if any(row["unit"] == "1" and not row["paired"] for row in rows):
        parts.append(
            "The baseline was measured at another time: only turns in one command "
            "tell a few per cent apart (`bench gate --turns`)."
        )
    return " ".join(parts)


def _said(row: Row) -> str:
    unit = " ms" if row["unit"] == "ms" else ""
    value, low, high = (
        _digits(row[key]) for key in ("value_ms" if unit else "ratio", "low", "high")
    )
    return f"{value} [{low}, {high}]{unit}, limit {row['limit']:g}{unit}"


def _digits(value: Any) -> str:
    found = number(value)
    return "?" if found is None else f"{found:.4g}"
