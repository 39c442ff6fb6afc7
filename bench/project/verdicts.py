"""Whether a Worker fits: every route, and the mix of them, against each set of limits.

What a request is charged are the samples of single requests; the credit that an isolate
saves and spends is simulated over them as for the decision matrix (`bench.verdict`),
because its size is not published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.measure.stages import PHASES
from bench.platform import LimitProfile
from bench.project.requests._route import CRON, QUEUE
from bench.verdict import bank
from bench.verdict._matrix_costs import CPU, LOCKED, Costs
from bench.verdict._matrix_draws import FACTORS, ISOLATES, RESAMPLES, draw, share
from bench.verdict.answer import NO_VERDICT, TOO_MUCH
from bench.verdict.bank import Array

if TYPE_CHECKING:
    import pandas as pd

MIX = "all requests"
"""The route of a verdict about the mix, each route as often as it was asked."""
_NAME = "worker"  # of the workload, as the draws know it
_MIXED = 200  # requests of a process that stand for its mix
Row = dict[str, Any]


def verdicts(
    table: pd.DataFrame,
    weights: Mapping[str, int],
    profiles: Sequence[LimitProfile],
    doubts: Mapping[str, str],
    seed: int,
) -> list[Row]:
    """Every profile for the mix and for every route that was measured."""
    costs = {
        route: found
        for route in weights
        if (found := _costs(table[table["stage"] == route], route)) is not None
    }
    sound = {route: each for route, each in costs.items() if route not in doubts}
    made: list[Row] = []
    mix = _mix(sound, weights)
    without = [route for route in weights if route not in sound]
    for profile in profiles:
        missing = f"without {', '.join(without)}" if without else None
        made.append(_verdict(MIX, mix, profile, seed, missing))
        for route in sorted(weights, key=lambda r: -weights[r]):
            doubt = doubts.get(route)
            mine = sound.get(route)
            made.append(_verdict(route, mine, profile, seed, doubt))
    return made


def _costs(table: pd.DataFrame, route: str) -> Costs | None:
    """What single requests of a route are charged: time under the lock where each phase
    has it, else CPU of the thread."""
    charged = table[table["metric"].isin((LOCKED, CPU))]
    if charged.empty:
        return None
    locked = charged[charged["metric"] == LOCKED]
    metric = LOCKED if set(locked["phase"]) == set(charged["phase"]) else CPU
    used = charged[charged["metric"] == metric]
    by = {
        phase: {
            int(str(process)): np.asarray(part["value"], dtype=np.float64)
            for process, part in used[used["phase"] == phase].groupby("process")
        }
        for phase in PHASES
    }
    most = table[table["metric"] == "subrequests"]["value"].max()
    counts = {"subrequests": float(most)} if most == most else {}
    return Costs(
        workload=_NAME, route=route, fixture="", metric=metric,
        warm=by["warm"], cold=by["cold"], payload=None, counts=counts, evidence=(),
    )  # fmt: skip


def _mix(sound: Mapping[str, Costs], weights: Mapping[str, int]) -> Costs | None:
    """Requests of all routes in one pool a process, as often as they were asked."""
    if not sound:
        return None
    total = sum(weights[route] for route in sound)
    metric = LOCKED if all(c.metric == LOCKED for c in sound.values()) else CPU

    def pooled(phase: str) -> dict[int, Array]:
        every = [getattr(each, phase) for each in sound.values()]
        shared = set.intersection(*(set(groups) for groups in every))
        return {
            process: np.concatenate(
                [
                    np.resize(
                        getattr(sound[route], phase)[process],
                        max(1, round(_MIXED * weights[route] / total)),
                    )
                    for route in sound
                ]
            )
            for process in sorted(shared)
        }

    warm, cold = pooled("warm"), pooled("cold")
    if not (warm or cold):
        return None
    most = max((c.counts.get("subrequests", 0.0) for c in sound.values()), default=0.0)
    return Costs(
        workload=_NAME, route=MIX, fixture="", metric=metric, warm=warm,
        cold=cold, payload=None, counts={"subrequests": most}, evidence=(),
    )  # fmt: skip


def _verdict(
    route: str,
    costs: Costs | None,
    profile: LimitProfile,
    seed: int,
    because: str | None,
) -> Row:
    """``verdict`` in words, ``confidence`` the share of draws that agree with it."""
    limit_ms = _limit_ms(route, profile)
    row: Row = {"profile": profile.name, "route": route, "limit_ms": limit_ms}
    unknown = ("requests", "confidence", "margin_ms", "margin_low", "margin_high")
    if costs is None:
        said = because or "was not measured"
        blank = dict.fromkeys(unknown)
        return row | {"verdict": NO_VERDICT, **blank, "charged": None, "because": said}
    mean = costs.mean()
    sure = mean.n > 1  # the interval over one process has no ends
    row |= {
        "margin_ms": limit_ms - mean.value,
        "margin_low": limit_ms - mean.high if sure else None,
        "margin_high": limit_ms - mean.low if sure else None,
        "charged": costs.metric,
    }
    allowed = profile.limits.get("subrequests")
    asked = costs.counts.get("subrequests", 0.0)
    if allowed is not None and asked > allowed.value:
        said = (
            f"{asked:,.0f} subrequests are more than the {allowed.value:,.0f} allowed"
        )
        return row | {
            "verdict": TOO_MUCH, "requests": None, "confidence": 1.0, "because": said,
        }  # fmt: skip
    found = share(draw(costs, seed).lasting(limit_ms))
    return row | {
        "verdict": found.said,
        "requests": found.requests,
        "confidence": found.confidence,
        "because": because,
    }


def _limit_ms(route: str, profile: LimitProfile) -> float:
    if route.startswith(QUEUE):
        return profile.queue_cpu_ms
    if route.startswith(CRON) and "cron_cpu_ms" in profile.limits:
        return profile.limits["cron_cpu_ms"].value
    return profile.cpu_ms


def assumptions() -> Row:
    """What the verdicts rest on that nobody has published or measured."""
    return {
        "banks": [{"cap_ms": cap, "credit_ms": first} for cap, first in bank.GUESSES],
        "factors": list(FACTORS),
        "resamples": RESAMPLES,
        "isolates": ISOLATES,
        "requests": bank.REQUESTS,
        "tolerated": bank.TOLERATED,
        "few": bank.FEW,
    }
