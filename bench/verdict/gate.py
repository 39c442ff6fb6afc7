"""A run against budgets: pass, fail, or could not tell.

A cell passes where its whole interval lies below the limit, fails where all of it lies
above, and otherwise the measurement could not tell: such a gate is no pass. Limits in
ms are held against ms of this machine; the transfer factor to Cloudflare's is not
applied. There are two kinds of ratio:

    to a baseline run    the runs did not take turns, so the interval is wide, and a
                         few per cent are often beyond it (`bench.verdict._welch`)
    to a variant         that took turns with the cell in one run: pairs, one a process
    (``against``)        group, which tell one or two per cent apart

Intervals are not corrected for the number of cells: a false alarm would need a cell
that is sound to look worse than its limit by its whole interval.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import NotComparableError, UserError
from bench.measure.checkouts import BASELINE
from bench.measure.compare import CONTROL
from bench.measure.statistics import (
    Interval,
    log_ratio,
    mean_interval,
    ratio_interval,
)
from bench.verdict import _alike, _cells, compare
from bench.verdict._budgets import Budget
from bench.verdict._cells import CPU, KEY, Cell, Group, ident
from bench.verdict._welch import UNSEEN, WAITING, between

if TYPE_CHECKING:
    from bench.store import Run

SCHEMA = 1
PASS, FAIL, UNKNOWN = "pass", "fail", "could not tell"
VERDICTS = (FAIL, UNKNOWN, PASS)
# Variants of which the variant ``control`` is a second process of the same code.
_CONTROLLED = frozenset({BASELINE, "plain"})
Cells = Mapping[str, Cell]
Row = dict[str, Any]


def document(
    run: Run,
    budgets: Sequence[Budget],
    baseline: Run | None = None,
    *,
    force: bool = False,
    unseen: float = UNSEEN,
    file: Path | None = None,
) -> Row:
    """``rows``, one for each budget and cell that it means:

        budget, cell        its name or number; the cell, with its parts
        ratio, low, high    to the baseline or variant; None for a limit in ms
        value_ms            what it cost, with low and high where the limit is in ms
        limit, unit         ``ms`` or ``1``, a ratio
        paired              whether both took turns in the same process groups
        n, verdict, why     groups; one of `VERDICTS`; what was lacking

    ``verdict`` is the worst of theirs. Raises UserError, which names the ``file`` of
    the budgets, for one that means no cell or lacks its baseline, NotComparableError
    where the runs differ in more than the code, unless ``force``.
    """
    cells = _cells.read(run.samples())
    chosen = [
        (budget, _meant(budget, place, cells, file))
        for place, budget in enumerate(budgets)
    ]
    base: Cells = {}
    reasons: list[str] = []
    if any(budget.needs_baseline for budget in budgets):
        if baseline is None:
            raise UserError(
                "is missing: a budget has a ratio to it",
                field="--baseline",
                remedy="name the folder of a run, or give the budget an `against`",
            )
        base = _cells.read(baseline.samples())
        common = [cell for cell in cells.values() if cell.id in base]
        reasons = _alike.reasons(baseline, run, common)
    if reasons and baseline is not None and not force:
        raise NotComparableError(compare.refusal(baseline, run, reasons))
    controls = _controls(cells, chosen)
    rows = [
        _row(budget, place, cell, _judge(budget, cell, cells, base, controls, unseen))
        for place, (budget, meant) in enumerate(chosen)
        for cell in meant
    ]
    counts = Counter(row["verdict"] for row in rows)
    return {
        "schema": SCHEMA,
        "run": run.id,
        "machine": run.machine,
        "command": run.manifest["command"],
        "baseline": compare.described(baseline) if baseline is not None else None,
        "rules": {"unseen": unseen, "waiting": WAITING, "transfer": None},
        "forced": bool(reasons),
        "reasons": reasons,
        "counts": {verdict: counts[verdict] for verdict in VERDICTS},
        "verdict": next(verdict for verdict in VERDICTS if counts[verdict]),
        "rows": rows,
    }


def _meant(budget: Budget, place: int, cells: Cells, file: Path | None) -> list[Cell]:
    """The cells of a budget, without controls; of none it says so."""
    found = [cell for cell in budget.cells(cells) if cell.parts["variant"] != CONTROL]
    if budget.against:
        found = [cell for cell in found if _other(cell, budget.against) in cells]
    if not found:
        beside = f" beside a variant {budget.against!r}" if budget.against else ""
        raise UserError(
            f"means no cell of the run{beside}",
            file=file,
            field=f"budget[{place}]{budget.name and f' ({budget.name})'}",
            remedy="see the names of cells with `bench history --json`, or leave "
            "this budget out",
        )
    return found


def _other(cell: Cell, variant: str, metric: str | None = None) -> str:
    changed = {"variant": variant} | ({} if metric is None else {"metric": metric})
    return ident({**cell.parts, **changed})


def _controls(
    cells: Cells, chosen: Sequence[tuple[Budget, list[Cell]]]
) -> dict[str, Interval]:
    """Ratio of the reference to itself by its own name, at a confidence at which one
    gate in twenty, and not one control in twenty, is doubted by chance."""
    pairs = {
        reference: _other(cell, CONTROL, CPU)
        for budget, meant in chosen
        if budget.against in _CONTROLLED
        for cell in meant
        for reference in [_other(cell, budget.against, CPU)]
    }
    pairs = {a: b for a, b in pairs.items() if a in cells and b in cells}
    confidence = 1 - 0.05 / max(1, len(pairs))
    return {
        a: found
        for a, b in pairs.items()
        if (found := paired(cells[b], cells[a], confidence)) is not None
    }


Judged = tuple[str, Interval | None, str]  # verdict, interval, why


def _judge(
    budget: Budget,
    cell: Cell,
    cells: Cells,
    base: Cells,
    controls: Mapping[str, Interval],
    unseen: float,
) -> Judged:
    if budget.limit_ms is not None:
        return _held(mean_interval(cell.values, budget.confidence), budget.limit)
    if budget.against:
        reference = cells[_other(cell, budget.against)]
        control = controls.get(_other(cell, budget.against, CPU))
        found = paired(cell, reference, budget.confidence)
        if control is not None and control.excludes(1.0):
            return UNKNOWN, found, "the control differs from 1: the machine moved"
        return _held(found, budget.limit)
    if cell.id not in base:
        return UNKNOWN, None, "the baseline has no such cell"
    ratio = between(base[cell.id], cell, budget.confidence, unseen)
    return _held(None if ratio is None else ratio.interval, budget.limit)


def paired(cell: Cell, reference: Cell, confidence: float) -> Interval | None:
    """Ratio of two cells that took turns: one log-ratio of each group that both have.

    Turn by turn where each has as many, else of the group's estimates. None where a
    cost is not above zero, or no group is common.
    """
    both = [place for place in cell.groups if place in reference.groups]
    pairs = [(cell.groups[place], reference.groups[place]) for place in both]
    if not pairs or any(min(a.value, b.value) <= 0 for a, b in pairs):
        return None
    return ratio_interval([_log(a, b) for a, b in pairs], confidence)


def _log(a: Group, b: Group) -> float:
    turns = (*a.turns, *b.turns)
    if len(a.turns) == len(b.turns) and turns and min(turns) > 0:
        return log_ratio(a.turns, b.turns)
    return math.log(a.value / b.value)


def _held(found: Interval | None, limit: float) -> Judged:
    if found is None:
        return UNKNOWN, None, "a cost is not above zero, or no group has both"
    if found.high < limit:
        return PASS, found, ""
    if found.low > limit:
        return FAIL, found, ""
    if found.n < 2:
        return UNKNOWN, found, "one process group says nothing about the next"
    return UNKNOWN, found, "the limit lies inside the interval: measure longer"


def _row(budget: Budget, place: int, cell: Cell, judged: Judged) -> Row:
    verdict, found, why = judged
    in_ms = budget.limit_ms is not None
    return {
        "budget": budget.name or str(place),
        "cell": cell.id,
        **{name: cell.parts[name] for name in KEY},
        "value_ms": mean_interval(cell.values).value,
        "ratio": None if in_ms else found and found.value,
        "low": found and found.low,
        "high": found and found.high,
        "limit": budget.limit,
        "unit": "ms" if in_ms else "1",
        "confidence": budget.confidence,
        "paired": bool(budget.against),
        "n": found.n if found else 0,
        "verdict": verdict,
        "why": why,
    }
