"""The document of ``bench remedies`` as a terminal shows it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]
WIDTH = 100


def text(document: Row) -> str:
    """Each remedy with its question, its answer and the numbers behind it."""
    return "\n\n".join("\n".join(_lines(one)) for one in document["remedies"])


def _lines(remedy: Row) -> Iterator[str]:
    yield f"{remedy['remedy']}: {remedy['title']}"
    yield from _wrapped(remedy["question"])
    if remedy["answer"] is not None:
        yield from _wrapped(remedy["answer"])
    if remedy["error"] is not None:
        yield from _wrapped(f"error: {remedy['error']}")
    names = [one["name"] for one in remedy["numbers"]]
    width = max(map(len, names), default=0)
    for one in remedy["numbers"]:
        yield f"    {one['name']:<{width}}  {spoken(one)}"
    control = remedy["control"]
    if control is not None:
        ends = _ends(control["low"], control["high"])
        yield f"    {'control':<{width}}  {_digits(control['ratio'])} {ends}".rstrip()


def spoken(one: Row) -> str:
    """Such as ``1.32 ms (1.21-1.44)``."""
    unit = "" if one["unit"] in ("ratio", "share", "count") else f" {one['unit']}"
    return f"{_digits(one['value'])}{unit} {_ends(one['low'], one['high'])}".rstrip()


def _ends(low: float, high: float) -> str:
    if not (math.isfinite(low) and math.isfinite(high)) or low == high:
        return ""
    return f"({_digits(low)} to {_digits(high)})"


def _digits(value: float) -> str:
    """Three significant digits, and no fewer than all before the point."""
    if value == round(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _wrapped(words: str) -> Iterator[str]:
    indent = "  "
    yield from textwrap.wrap(
        words, WIDTH, initial_indent=indent, subsequent_indent=indent
    )
