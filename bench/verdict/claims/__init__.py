"""The article's claims against what is known: every number and every rule of thumb.

The claims are data (`_claim.py` says how they are written), one check a kind. Verdicts:

    reproduced            what was measured, computed or documented agrees
    not reproduced        it disagrees, over the whole range of the transfer factor; or
                          the documentation does, and did at every date that is known
    outdated              the documentation disagrees and once did not
    not measurable here   it would take production or a real model
    not in this run       the run lacks what could tell, and the command is named

`_judge.py` says what agreeing means. A claim that names no phase is judged by the warm
request, which a Worker mostly serves; where a cold one, or another condition, makes it
true, that is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.verdict.claims import _computed, _documented, _measured
from bench.verdict.claims._claim import Claim, load
from bench.verdict.claims._ground import Ground, follow
from bench.verdict.claims._judge import (
    ELSEWHERE,
    MISSING,
    NOT_REPRODUCED,
    OUTDATED,
    REPRODUCED,
    VERDICTS,
)
from bench.verdict.claims._outcome import Outcome

if TYPE_CHECKING:
    from bench.platform import LimitProfile
    from bench.store import Run

__all__ = [
    "ELSEWHERE",
    "MISSING",
    "NOT_REPRODUCED",
    "OUTDATED",
    "REPRODUCED",
    "VERDICTS",
    "chosen",
    "document",
    "follow",
]

SCHEMA = 1
Row = dict[str, Any]
_CHECKS: dict[str, Callable[[Claim, Ground], Outcome]] = {
    **_measured.CHECKS,
    "computed": _computed.check,
    "documented": _documented.check,
    "elsewhere": _documented.elsewhere,
}


def document(run: Run, limits: LimitProfile | None = None, seed: int = 1) -> Row:
    """The claims of the article, judged by a run: ``rows`` in the article's order.

    ``limits`` is what shares and the matrix are held against, free where it is None.
    A row has

        id, claim           its name, and what the article says in our words
        article, article_to its number, or a word; the other end where it is a range
        bound, stated       under or over, where the number is one; false where it is
                            ours, because the article has a rule of thumb and no number
        measured, low, high what was found: a number with its interval, or words
        unit, verdict, why
        basis               run, fixtures, documentation, or nothing
        evidence            ids that `follow` leads from

    ``counts`` has the number of claims of each verdict, ``factors`` the ends of the
    transfer factor, the run's where it keeps one. Raises UserError for a damaged
    run.
    """
    from bench.platform import DEFAULT, limit_profile

    chosen = limits or limit_profile(DEFAULT)
    ground = Ground(run, chosen, seed)
    rows = [_row(claim, ground) for claim in load().values()]
    counts = Counter(row["verdict"] for row in rows)
    return {
        "schema": SCHEMA,
        "run": run.id,
        "machine": run.machine,
        "command": run.manifest["command"],
        "limits": {"name": chosen.name, "cpu_ms": chosen.cpu_ms},
        "factors": list(ground.factors),
        "counts": {verdict: counts[verdict] for verdict in VERDICTS},
        "rows": rows,
    }


def _row(claim: Claim, ground: Ground) -> Row:
    found = _CHECKS[claim.check](claim, ground)
    note = f"{claim.note[:1].upper()}{claim.note[1:]}." if claim.note else ""
    return {
        "id": claim.id,
        "claim": claim.claim,
        "article": claim.article,
        "article_to": claim.article_to,
        "stated": claim.stated,
        "bound": claim.bound,
        "measured": found.measured,
        "low": found.low,
        "high": found.high,
        "unit": claim.unit,
        "verdict": found.verdict,
        "why": " ".join(part for part in (found.why, note) if part),
        "basis": found.basis,
        "evidence": found.evidence,
    }


def chosen(path: Path | None) -> Run:
    """The run to read: ``path``, else the latest finished one in ``results/`` that
    measured something, else the reference run.

    Raises UserError where ``path`` is no run, or there is none at all.
    """
    from bench.verdict import evidence

    return evidence.chosen(path, "")
