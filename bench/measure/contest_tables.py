"""What the documents of all contests have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.measure.compare import CONFIDENCE, CONTROL
from bench.measure.contest import Block
from bench.measure.statistics import Interval

if TYPE_CHECKING:
    from bench.measure.entrant import Entrant
    from bench.platform import LimitProfile
    from bench.store import Run

SCHEMA = 1
Row = dict[str, Any]


def head(run: Run, limits: LimitProfile) -> Row:
    """Where a document comes from, and what it is held against."""
    return {
        "schema": SCHEMA,
        "run": run.id,
        "machine": run.machine,
        "command": run.manifest.get("command", ""),
        "profile": run.manifest.get("profile", ""),
        "limits": {"name": limits.name, "cpu_ms": limits.cpu_ms},
    }


def failures(run: Run) -> list[str]:
    """What went wrong in the cells of the run."""
    return [error["message"] for error in run.errors() if error["cell"]]


def controlled(found: Block | None, reference: str, tables: int) -> Row:
    """The control of one of ``tables`` tables, and whether it holds.

    One in twenty sound controls would fail by chance at 95 %; the confidence is
    raised so that it is one in twenty documents (Bonferroni).
    """
    confidence = 1 - (1 - CONFIDENCE) / max(1, tables)
    control = found.ratio(CONTROL, reference, confidence) if found else None
    return {
        "control": ends("ratio", "low", "high", control),
        "holds": control is not None and not control.excludes(1.0),
    }


def measured(entry: Entrant, key: str, found: Block, reference: str) -> Row:
    """What became of a case: right or wrong, CPU in us, ratio to ``reference``."""
    error = entry.errors.get(key, "")
    name = entry.name if entry.name in found.turns and not error else ""
    cost = found.cost(name) if name else None
    return {
        "correct": not error,
        **ends("cpu_us", "low", "high", cost),
        "n": cost.n if cost else 0,
        **ends("ratio", "ratio_low", "ratio_high", found.ratio(name, reference)),
        "error": error or (None if name else "was not measured"),
    }


def ends(value: str, low: str, high: str, found: Interval | None) -> Row:
    """An interval under three names; None thrice where there is none."""
    if found is None:
        return {value: None, low: None, high: None}
    return {value: found.value, low: found.low, high: found.high}
