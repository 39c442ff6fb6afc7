"""Claims about the platform: held against its documentation, with source and date.

Where a claim disagrees and once did not, it is outdated; where no source ever agreed,
it is not reproduced. What is not measurable here needs production, or a real model.
"""

from __future__ import annotations

from bench.platform import tables
from bench.verdict.claims._claim import Claim
from bench.verdict.claims._ground import PLATFORM, SOURCE, Ground
from bench.verdict.claims._judge import (
    ELSEWHERE,
    NOT_REPRODUCED,
    OUTDATED,
    REPRODUCED,
)
from bench.verdict.claims._outcome import Outcome, plain


def check(claim: Claim, ground: Ground) -> Outcome:
    """The documented value of the plan, or what the documentation says in words."""
    row = tables.strict(claim.row[ground.plan]) if claim.row else None
    holds = claim.holds if row is None or claim.says else row.value == claim.article
    source = _source(claim, row)
    words = claim.says or (f"{plain(row.value)} {row.unit}" if row else "")
    parts = [f"Documented: {words} ({source})."]
    if not holds and claim.once:
        parts.append(f"It was true once: {claim.once}.")
    known = None if row is None else row.value
    return Outcome(
        REPRODUCED if holds else OUTDATED if claim.once else NOT_REPRODUCED,
        measured=claim.says or known,
        low=None if claim.says else known,
        high=None if claim.says else known,
        why=" ".join(parts),
        evidence=[f"{PLATFORM}{row.id}" if row else f"{SOURCE}{claim.id}"],
        basis="documentation",
    )


def _source(claim: Claim, row: tables.Row | None) -> str:
    source, date = (
        (claim.source, str(claim.date or "")) if row is None else (row.source, row.date)
    )
    return ", ".join(part for part in (source, date) if part)


def elsewhere(claim: Claim, ground: Ground) -> Outcome:
    """What would measure the claim."""
    return Outcome(ELSEWHERE, why=f"It would take {claim.would}.")
