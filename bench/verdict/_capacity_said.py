"""What a plan says of its inputs: traffic, assumptions, and what it cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench.verdict import (
    _capacity_break_even,
    _capacity_cost,
    _capacity_external,
    _capacity_runs,
    bank,
)
from bench.verdict._capacity_assumed import TENANTS
from bench.verdict._capacity_cost import MONTH_S
from bench.verdict._capacity_engines import VECTORS
from bench.verdict._capacity_runs import Case
from bench.verdict._capacity_traffic import REQUESTS, STRATA, Traffic
from bench.verdict._matrix_costs import RUNTIME

if TYPE_CHECKING:
    from bench.transfer import Transfer
    from bench.verdict._capacity_used import Used

Row = dict[str, Any]


def traffic(given: Traffic) -> Row:
    """``traffic`` of the document."""
    trace, shape = given.trace, given.shape
    row: Row = {
        "name": given.name,
        "rate": given.rate,
        "requests": given.requests,
        "duration_s": given.duration_s,
        "cv": given.cv,
        "peak": given.peak * given.rate,
        "format": None,
        "sha256": None,
        "rows": None,
        "bad_rows": None,
        "shape": None,
    }
    if trace is not None and shape is not None:
        row |= {
            "format": trace.format,
            "sha256": trace.sha256,
            "start": trace.start.isoformat() if trace.start else None,
            "rows": trace.rows,
            "bad_rows": trace.bad_rows,
            "bad": [asdict(bad) for bad in trace.bad],
            "shape": {
                "kind": shape.kind,
                "rate_low": shape.rate_low,
                "rate_high": shape.rate_high,
                "cv": shape.cv,
                "dispersion": {f"{w:g}": v for w, v in shape.dispersion.items()},
                "hourly": None if shape.hourly is None else shape.hourly.tolist(),
                "n": shape.n,
            },
        }
    return row


def totals(used: Used) -> list[Row]:
    """``totals`` of the document: groups of processes behind the CPU, by phase."""
    phases = {"warm": used.costs.warm, "cold": used.costs.cold}
    return [
        {"runtime": RUNTIME, "phase": phase, "n": len(groups)}
        for phase, groups in phases.items()
        if groups
    ]


def assumptions(case: Case, found: Transfer | None, factors: Sequence[float]) -> Row:
    """``assumptions`` of the document: all that was guessed, and what came of it."""
    used = case.used
    base, each = _capacity_runs.memory(used, case.assumed)
    waits = _capacity_runs.outside_ms(used, case.traffic, case.assumed)
    return {
        "guesses": case.assumed.as_row(),
        "factors": list(factors),
        "transfer": None if found is None else found.as_row(),
        "banks": [{"cap_ms": cap, "credit_ms": credit} for cap, credit in bank.GUESSES],
        "middle_bank": dict(zip(("cap_ms", "credit_ms"), bank.MIDDLE, strict=True)),
        "tolerated": bank.TOLERATED,
        "outside_ms": {
            "mean": float(waits.mean()),
            "from": "tokens of the trace"
            if len(waits) > 1
            else f"{case.assumed.tokens:g} tokens for each call to a model",
            "models": used.models,
            "calls": used.others,
        },
        "memory_mb": {
            "idle": base,
            "each": each,
            "from": "the heap of chat requests" if used.heap else "bodies",
            "limit": case.memory_mb,
        },
        "small_run": {"requests": REQUESTS, "locations": STRATA},
        "tenants": list(TENANTS),
        "machine": _capacity_break_even.MACHINE,
        "levels": list(_capacity_external.LEVELS),
        "month_days": MONTH_S / 86_400,
        "seed": case.seed,
    }


def gaps(case: Case, one: _capacity_cost.Request) -> list[str]:
    """What the plan cannot say, because the run has no rows of it."""
    used = case.used
    said = []
    if used.meters is None:
        said.append(
            "This run has no meters: services behind have no bill, and their limits "
            "are unknown. Measure again with `bench workloads`."
        )
    without = _capacity_cost.unpriced(one)
    if without:
        said.append(f"No price is known for {', '.join(without)}.")
    if used.heap is None:
        said.append(
            "This run has no heap: memory of a request is that of its bodies, times "
            f"{case.assumed.body_copies:g}. Measure it with `bench stages`."
        )
    if one.stored:
        said.append(
            f"An index of {getattr(used.module, 'NEEDS', {})[VECTORS]:,} vectors, as "
            "the article's row has it, is billed whatever the traffic."
        )
    if not used.engines:
        said.append(
            "No engine was measured: machines outside are for the workload itself."
        )
    if not (used.costs.warm and used.costs.cold):
        there, lacks = ("warm", "cold") if used.costs.warm else ("cold", "warm")
        said.append(f"No {lacks} request was measured: {there} ones stand for them.")
    return said
