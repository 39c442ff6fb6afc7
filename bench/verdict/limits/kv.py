"""KV: one write a second to a key."""

from __future__ import annotations

from collections.abc import Iterator

from bench.platform.tables import strict
from bench.verdict._capacity_assumed import TENANTS
from bench.verdict.limits import Bound, Ground, keyed, per_second


def bounds(ground: Ground) -> Iterator[Bound]:
    """Writes to the busiest tenant's key, as each tenant is assumed to have its own."""
    share = keyed(ground.assumed, TENANTS)
    yield from per_second(
        ground,
        strict("kv.writes"),
        ground.meter("kv.writes"),
        "writes",
        share=share,
        why=f", and the busiest of {ground.assumed.tenants:,.0f} tenants has "
        f"{share[0]:.1%} of them (a Zipf law, assumed)",
    )
