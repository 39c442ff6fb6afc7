"""Two runs, cell by cell: the ratio of B to A with its interval, and a verdict.

Verdicts, in this order:

    same          the interval lies within the band of equivalence, 2 % by default
    slower        the difference is significant after the correction for all cells
    faster        likewise
    inconclusive  neither: there are too few groups, or the machine was not still

The interval that is shown is the 95 % one of its cell alone; significance is corrected
by Holm's method (`bench.verdict._welch`). Runs that differ in more than the code are
not compared (`bench.verdict._alike`) unless that is forced: the reasons then stand in
the document, and a ratio may be about any of them.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import NotComparableError, UserError
from bench.measure.compare import CONTROL
from bench.measure.statistics import CONFIDENCE, Interval, mean_interval
from bench.verdict import _alike, _cells
from bench.verdict._cells import KEY, Cell
from bench.verdict._welch import UNSEEN, WAITING, Ratio, between, holm

if TYPE_CHECKING:
    from bench.store import Run

SCHEMA = 1
WITHIN = 0.02
SAME, FASTER, SLOWER = "same", "faster", "slower"
INCONCLUSIVE = "inconclusive"
VERDICTS = (SLOWER, FASTER, INCONCLUSIVE, SAME)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is assumed and decided: all of it stands in the document.

    ``within`` is the band of equivalence, 0.02 for 2 %; ``unseen`` what a machine may
    change between two runs where no sentinel tells, ``waiting`` what a request may cost
    more, as a logarithm, where it waits for its core as long as it runs.
    """

    within: float = WITHIN
    unseen: float = UNSEEN
    waiting: float = WAITING
    confidence: float = CONFIDENCE


def opened(path: Path) -> Run:
    """The run in ``path``. Raises UserError where it is none, NotComparableError where
    it is one of another schema."""
    from bench.store import Run

    try:
        return Run.open(path)
    except UserError as error:
        if error.field != "schema":
            raise
        raise NotComparableError(str(error)) from error


def document(
    a: Run,
    b: Run,
    rules: Rules | None = None,
    *,
    pattern: str = "",
    force: bool = False,
) -> Row:
    """``rows``, one for each cell that both runs have and ``pattern`` means:

        cell, runtime .. metric   its name, and the parts of it
        a_ms, b_ms          what it cost in each run
        ratio, low, high    of B to A; None where a cost is not above zero
        verdict, why        one of `VERDICTS`; what an inconclusive one lacks
        p, p_corrected      of no difference: of this cell alone, among all cells
        n_a, n_b            process groups
        sentinel            ratio of the fixed workload, None where it was not timed
        waited_a, waited_b  how long requests waited for their core, over their CPU

    ``missing`` names the cells of one run alone and says which, ``reasons`` says why
    the runs must not be compared, ``notes`` what else differs. Raises
    NotComparableError for the reasons unless ``force``, UserError where no cell is
    common.
    """
    rules = rules or Rules()
    mine, theirs = (_chosen(run, pattern) for run in (a, b))
    names = [name for name in mine if name in theirs]
    if not names:
        raise UserError(
            f"no cell that matches {pattern!r} is in both runs",
            file=b.path,
            field="cell" if pattern else None,
            remedy="name runs that measured the same, see `bench history --cell NAME`",
        )
    common = [theirs[name] for name in names]
    reasons = _alike.reasons(a, b, common)
    if reasons and not force:
        raise NotComparableError(refusal(a, b, reasons))
    rows = judged([(mine[name], theirs[name]) for name in names], rules)
    counts = Counter(row["verdict"] for row in rows)
    return {
        "schema": SCHEMA,
        "run": b.id,
        "machine": b.machine,
        "command": b.manifest["command"],
        "a": described(a),
        "b": described(b),
        "rules": {
            "confidence": rules.confidence,
            "within": rules.within,
            "unseen": rules.unseen,
            "waiting": rules.waiting,
            "correction": f"Holm, over {len(rows)} cells",
        },
        "forced": bool(reasons),
        "reasons": reasons,
        "notes": [*_alike.notes(a, b, common), *_unwatched(rows, rules)],
        "counts": {verdict: counts[verdict] for verdict in VERDICTS},
        "missing": [
            {"cell": name, "in": only}
            for only, ours, other in (("a", mine, theirs), ("b", theirs, mine))
            for name in ours
            if name not in other
        ],
        "rows": rows,
    }


def _chosen(run: Run, pattern: str) -> dict[str, Cell]:
    """Cells to compare: what ``pattern`` means, without the controls."""
    return {
        name: cell
        for name, cell in _cells.read(run.samples()).items()
        if cell.parts["variant"] != CONTROL and _cells.matches(name, pattern)
    }


def refusal(a: Run, b: Run, reasons: list[str]) -> str:
    """Every reason, and what the user can do."""
    listed = "\n".join(f"  - {reason}" for reason in reasons)
    return (
        f"{a.id} and {b.id} differ in more than the code:\n{listed}\n"
        "  remedy: measure both on one machine with the same inputs, or add --force: "
        "a ratio may then be about any of these"
    )


def described(run: Run) -> Row:
    """What a reader must know of a run beside its numbers."""
    manifest = run.manifest
    names = ("run", "created", "command", "profile", "commit", "dirty", "host")
    return {name: manifest[name] for name in names}


def judged(pairs: list[tuple[Cell, Cell]], rules: Rules) -> list[Row]:
    """The row of each pair of cells, A before B, in the order of the pairs."""
    found = [
        between(a, b, rules.confidence, rules.unseen, rules.waiting) for a, b in pairs
    ]
    known = [ratio for ratio in found if ratio is not None]
    corrected = iter(holm([ratio.p for ratio in known]))
    return [
        _row(a, b, ratio, 1.0 if ratio is None else next(corrected), rules)
        for (a, b), ratio in zip(pairs, found, strict=True)
    ]


def _row(a: Cell, b: Cell, ratio: Ratio | None, p: float, rules: Rules) -> Row:
    costs = [mean_interval(cell.values).value for cell in (a, b)]
    verdict, why = _verdict(ratio, p, rules)
    interval = None if ratio is None else ratio.interval
    return {
        "cell": b.id,
        **{name: b.parts[name] for name in KEY},
        "a_ms": costs[0],
        "b_ms": costs[1],
        "ratio": interval and interval.value,
        "low": interval and interval.low,
        "high": interval and interval.high,
        "verdict": verdict,
        "why": why,
        "p": ratio and ratio.p,
        "p_corrected": None if ratio is None else p,
        "n_a": len(a.groups),
        "n_b": len(b.groups),
        "sentinel": _ends(ratio.sentinel) if ratio and ratio.sentinel else None,
        "waited_a": a.waited,
        "waited_b": b.waited,
    }


def _ends(found: Interval) -> Row:
    return {"ratio": found.value, "low": found.low, "high": found.high}


def _verdict(ratio: Ratio | None, p: float, rules: Rules) -> tuple[str, str]:
    if ratio is None:
        return INCONCLUSIVE, "a difference of two requests that is not above zero"
    found = ratio.interval
    if found.n < 2:
        return INCONCLUSIVE, "one process group says nothing about the next"
    band = math.log1p(rules.within)
    if -band <= math.log(found.low) and math.log(found.high) <= band:
        return SAME, ""
    if p < 1 - rules.confidence:
        return (SLOWER if found.value > 1 else FASTER), ""
    if ratio.waiting > 1 + rules.within:
        return INCONCLUSIVE, "requests waited longer for their core in one of the runs"
    if ratio.sentinel is None:
        return INCONCLUSIVE, "no sentinel tells what the machine did meanwhile"
    if ratio.sentinel.excludes(1.0):
        change = ratio.sentinel.value - 1
        return INCONCLUSIVE, f"the machine changed: its sentinel by {change:+.1%}"
    return INCONCLUSIVE, "too few groups, or groups that differ too much"


def _unwatched(rows: list[Row], rules: Rules) -> list[str]:
    """What is missing where a cell has no sentinel beside it."""
    count = sum(row["ratio"] is not None and row["sentinel"] is None for row in rows)
    if not count:
        return []
    return [
        f"{count} of {len(rows)} cells were measured without a sentinel in at least "
        f"one run: their intervals are widened by {rules.unseen:.0%} for what the "
        "machine may have changed meanwhile"
    ]
