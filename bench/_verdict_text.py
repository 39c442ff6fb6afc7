"""The answer of a measured request path in words.

A local millisecond is not one of Cloudflare's, so a verdict holds only where it holds
over the whole range of the transfer factor; between, it says that it cannot tell.
"""

from __future__ import annotations

import math
from typing import Any

from bench.platform import LimitProfile

# What a local millisecond may cost there, until it is fitted from production logs.
TRANSFER_LOW, TRANSFER_HIGH = 0.5, 2.0
FITS, TOO_MUCH, UNSURE = "fits", "does not fit", "may fit or not"

Row = dict[str, Any]


def sentence(result: dict[str, Any], limits: LimitProfile) -> str:
    """Whether each invocation of ``result`` fits ``limits``, in Markdown."""
    rows = [row for row in result["invocations"] if _high(row) is not None]
    if not rows:
        return f"**Nothing was measured**, so nothing is said about {limits.title}."
    worst = max(rows, key=lambda row: _share(row, limits))
    parts = [_answer(worst, rows, limits), _driver(worst, result["rows"])]
    failed = sorted({row["stage"] for row in result["rows"] if row.get("error")})
    if failed:
        parts.append(f"Not measured because of errors: {', '.join(failed)}.")
    doubted = [_name(row) for row in rows if row.get("verdict") == "inconclusive"]
    if doubted:
        parts.append(f"Inconclusive, see the control: {', '.join(doubted)}.")
    return " ".join(part for part in parts if part)


def verdict(row: Row, limits: LimitProfile) -> str:
    """``fits``, ``does not fit`` or neither, over the range of the transfer factor."""
    limit = limits.cpu_ms_for(row["invocation"])
    low, high = row["low"], _high(row)
    if high is not None and high * TRANSFER_HIGH <= limit:
        return FITS
    if low is not None and low * TRANSFER_LOW > limit:
        return TOO_MUCH
    return UNSURE


def _answer(worst: Row, rows: list[Row], limits: LimitProfile) -> str:
    limit = limits.cpu_ms_for(worst["invocation"])
    said = verdict(worst, limits)
    subject = "Every invocation" if said == FITS else f"`{_name(worst)}`"
    if said == FITS and len(rows) == 1:
        subject = f"`{_name(worst)}`"
    low, high = worst["low"] * TRANSFER_LOW, worst["high"] * TRANSFER_HIGH
    return (
        f"**{subject} {said}** {limits.title} ({limit:g} ms of CPU). "
        f"The nearest to its limit is `{_name(worst)}` with "
        f"{worst['whole_cpu_ms']:.3g} ms [{worst['low']:.3g}, {worst['high']:.3g}] "
        f"here, {low:.3g} to {high:.3g} ms there if a millisecond of this machine is "
        f"{TRANSFER_LOW:g} to {TRANSFER_HIGH:g} of theirs."
    )


def _driver(worst: Row, stages: list[Row]) -> str:
    place = ("runtime", "phase", "invocation")
    mine = [
        row
        for row in stages
        if row.get("cpu_ms") is not None
        and all(row[key] == worst[key] for key in place)
    ]
    if not mine:
        return ""
    most = max(mine, key=lambda row: float(row["cpu_ms"]))
    share = most["cpu_ms"] / worst["whole_cpu_ms"]
    return f"Most of it, {share:.0%}, goes to `{most['stage']}`."


def _share(row: Row, limits: LimitProfile) -> float:
    return float(_high(row) or 0.0) / limits.cpu_ms_for(row["invocation"])


def _high(row: Row) -> float | None:
    high = row.get("high")
    return high if high is not None and math.isfinite(high) else None


def _name(row: Row) -> str:
    return f"{row['invocation']} {row['phase']} ({row['runtime']})"
