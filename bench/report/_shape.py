"""How the page prints a number; a number that is missing is a dash."""

from __future__ import annotations

from typing import Any

from bench.figures._common import milliseconds, number
from bench.verdict.answer import percent

MISSING = "\N{EN DASH}"


def ms(value: Any) -> str:
    """Milliseconds with three significant digits, and a real minus."""
    found = number(value)
    if found is None:
        return MISSING
    return milliseconds(found).replace("-", "\N{MINUS SIGN}")


def share(value: Any) -> str:
    """A part of a limit as a percentage, with a real minus."""
    found = number(value)
    if found is None:
        return MISSING
    return percent(found).replace("-", "\N{MINUS SIGN}")


def ratio(value: Any) -> str:
    """A ratio around 1 with three decimals."""
    found = number(value)
    return MISSING if found is None else f"{found:.3f}"


def signed_percent(value: Any) -> str:
    """A difference as a percentage with its sign: 0.012 -> ``+1.2 %``.

    With a real minus and a space that does not break.
    """
    found = number(value)
    if found is None:
        return MISSING
    text = f"{found * 100:+.1f}\N{NO-BREAK SPACE}%"
    return text.replace("-", "\N{MINUS SIGN}")


def text(value: Any) -> str:
    """Anything else as it is."""
    return MISSING if value is None else str(value)
