"""Which limit breaks first, at which rate, in one sentence for each profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.verdict._capacity_search import HIGHEST
from bench.verdict._capacity_traffic import Traffic
from bench.verdict.limits import ANY, FILLS, NEVER, UNKNOWN, Bound

Row = dict[str, Any]


def first(bounds: Sequence[Bound]) -> Bound | None:
    """The limit that binds at the lowest rate; None where none does."""
    binding = [bound for bound in bounds if bound.first_at is not None]
    return min(binding, key=lambda bound: bound.first_at or 0.0, default=None)


def row(profile: str, bounds: Sequence[Bound], traffic: Traffic) -> Row:
    """``first`` of the document for one profile."""
    found = first(bounds)
    times = None if found is None else (found.first_at or 0.0) / traffic.rate
    return {
        "profile": profile,
        "limit": found and found.limit,
        "item": found and found.item,
        "state": found.state if found else NEVER,
        "rate": found and found.first_at,
        "low": found and found.low,
        "high": found and found.high,
        "unit": "requests a second",
        "times": times,
        "sentence": sentence(profile, bounds, traffic),
    }


def sentence(profile: str, bounds: Sequence[Bound], traffic: Traffic) -> str:
    """The first limit to break and where that lies from the expected traffic."""
    found = first(bounds)
    rest = f"{_full(bounds)}{_open(bounds)}"
    expected = f"{rate(traffic.rate)} requests a second"
    if found is None:
        return (
            f"On {profile} no limit that can be computed breaks up to {HIGHEST:,.0f} "
            f"requests a second, where {expected} are expected{rest}."
        )
    name = f"{found.item} ({found.limit})"
    if found.state == ANY:
        return f"On {profile} {name} breaks at any rate: {found.why}{rest}."
    at = found.rate_at or 0.0
    times = at / traffic.rate
    head = (
        f"breaks first, and already: it holds up to {rate(at)}{_ends(found)} requests "
        f"a second, {times:.2g} of the {rate(traffic.rate)} that are expected"
        if times < 1
        else f"is the first limit to break, at {rate(at)}{_ends(found)} requests a "
        f"second, {times:,.3g} times the {rate(traffic.rate)} that are expected"
    )
    return f"On {profile} {name} {head}{rest}."


def _full(bounds: Sequence[Bound]) -> str:
    """What fills up first, however slowly requests come."""
    filling = [b for b in bounds if b.state == FILLS and b.days is not None]
    if not filling:
        return ""
    soonest = min(filling, key=lambda bound: bound.days or 0.0)
    item = soonest.item[0].lower() + soonest.item[1:]
    return f"; the {item} ({soonest.limit}) is reached after {soonest.days:,.3g} days"


def _open(bounds: Sequence[Bound]) -> str:
    """What may break before, because nothing is known of it."""
    unknown = [bound.item for bound in bounds if bound.state == UNKNOWN]
    if not unknown:
        return ""
    return f"; {len(unknown)} other limits cannot be told from this run"


def _ends(found: Bound) -> str:
    if found.low is None or found.high is None or found.low == found.high:
        return ""
    return f" [{rate(found.low)}, {rate(found.high)}]"


def rate(value: float) -> str:
    """A rate with three significant digits, and all of those before the point."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
