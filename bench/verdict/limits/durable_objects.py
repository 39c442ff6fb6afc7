"""Durable Objects: requests to one object, which is single-threaded."""

from __future__ import annotations

from collections.abc import Iterator

from bench.platform.tables import strict
from bench.verdict._capacity_assumed import TENANTS
from bench.verdict.limits import Bound, Ground, keyed, per_second


def bounds(ground: Ground) -> Iterator[Bound]:
    """Requests to the busiest tenant's object, where the workload has objects."""
    share = keyed(ground.assumed, TENANTS)
    uses = ground.meter("durable_objects.requests")
    if uses:
        yield from per_second(
            ground,
            strict("durable_objects.requests"),
            uses,
            "requests",
            share=share,
            why=f", and the busiest tenant's object has {share[0]:.1%} of them",
        )
