"""What became of one claim, and how a number of it is said."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.verdict.claims._judge import Found

_BARE = ("share", "times", "requests", "results", "indexes")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict with the number or the words that it rests on.

    ``basis`` says where they come from: run, fixtures, documentation, or nothing.
    """

    verdict: str
    measured: float | str | None = None
    low: float | None = None
    high: float | None = None
    why: str = ""
    evidence: list[str] = field(default_factory=list)
    basis: str = ""


def plain(value: float) -> str:
    """Three significant digits, and no fewer than all before the point."""
    size = abs(value)
    if size >= 1000 or value == round(value):
        return f"{value:,.0f}"
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:.{digits}f}" if size >= 0.001 else f"{value:.2g}"


def told(found: Found, unit: str) -> str:
    """Such as ``1.49 [1.35, 1.62] ms``."""
    ends = ""
    if found.low is not None and found.high is not None and found.low != found.high:
        ends = f" [{plain(found.low)}, {plain(found.high)}]"
    return f"{plain(found.value)}{ends} {unit}".strip()
