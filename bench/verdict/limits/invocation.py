"""Limits of one invocation: they break at any rate, or never."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bench.platform import Limit
from bench.platform.tables import Row
from bench.verdict._capacity_runs import outside_ms
from bench.verdict._capacity_used import SUBREQUESTS
from bench.verdict.answer import percent
from bench.verdict.bank import TOLERATED
from bench.verdict.limits import ANY, NEVER, Bound, Ground, sourced, spoken


def bounds(ground: Ground) -> Iterator[Bound]:
    """Subrequests, connections that wait, work after the answer, and what the workload
    says that it needs."""
    limits = ground.profile.limits
    if SUBREQUESTS in limits and SUBREQUESTS in ground.used.most:
        yield _subrequests(ground, limits[SUBREQUESTS])
    if "connections" in limits and SUBREQUESTS in ground.used.most:
        yield _connections(ground, limits["connections"])
    if "wait_until_s" in limits and ground.used.models:
        yield _after(ground, limits["wait_until_s"])
    yield from _needs(ground)


def _bound(
    ground: Ground, name: str, limit: Limit, item: str, state: str, uses: float
) -> Bound:
    source = f"{limit.source}, {limit.date}" if limit.date else limit.source
    return Bound(
        f"{ground.profile.name}.{name}", item, state, uses, limit.unit, source, ""
    )


def _subrequests(ground: Ground, limit: Limit) -> Bound:
    most = ground.used.most[SUBREQUESTS]
    found = _bound(
        ground,
        SUBREQUESTS,
        limit,
        "Subrequests of an invocation",
        ANY if most > limit.value else NEVER,
        most,
    )
    return _because(ground, found, f"a request makes {most:g} of {limit.value:,g}")


def _connections(ground: Ground, limit: Limit) -> Bound:
    most = ground.used.most[SUBREQUESTS]
    found = _bound(
        ground, "connections", limit, "Connections that wait for headers", NEVER, most
    )
    rounds = math.ceil(most / limit.value)
    said = f"a request opens {most:g}, all at once at worst; "
    said += (
        f"beyond {limit.value:g} they are queued and not failed: {rounds} rounds"
        if rounds > 1
        else f"{limit.value:g} may wait"
    )
    return _because(ground, found, said)


def _after(ground: Ground, limit: Limit) -> Bound:
    waits = outside_ms(ground.used, ground.traffic, ground.assumed)
    late = float(np.mean(waits > limit.value * 1000))
    found = _bound(
        ground,
        "wait_until_s",
        limit,
        "Work after the answer (waitUntil)",
        ANY if late > TOLERATED else NEVER,
        float(waits.mean()) / 1000,
    )
    said = (
        f"{percent(late)} of waits for a model are longer than {limit.value:g} s; what "
        "is done after the answer is assumed to wait once more as a request does"
    )
    return _because(ground, found, said)


def _needs(ground: Ground) -> Iterator[Bound]:
    for name, amount in dict(getattr(ground.used.module, "NEEDS", {})).items():
        row: Row | None = ground.row(str(name))
        if row is None:
            continue
        broken = amount < row.value if row.higher_is_stricter else amount > row.value
        yield Bound(
            limit=row.id,
            item=row.item,
            state=ANY if broken else NEVER,
            uses=float(amount),
            unit=row.unit,
            source=sourced(row),
            why=f"{spoken(row)}: the workload needs {amount:,g} as the article has it",
        )


def _because(ground: Ground, found: Bound, why: str) -> Bound:
    return replace(found, why=why, evidence=ground.evidence)
