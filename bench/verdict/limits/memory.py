"""Memory of an isolate, which all requests in flight in it share."""

from __future__ import annotations

from collections.abc import Iterator

from bench.verdict._capacity_runs import memory
from bench.verdict.answer import percent
from bench.verdict.bank import TOLERATED
from bench.verdict.limits import ANY, AT, NEVER, Bound, Ground


def bounds(ground: Ground) -> Iterator[Bound]:
    """The rate at which too many requests find their isolate above its memory.

    Workers then lets them finish and starts another isolate, or ends some under load
    (Cloudflare docs, Workers limits, 2026-07-28).
    """
    limit = ground.profile.limits["memory_mb"]
    base, each = memory(ground.used, ground.assumed)
    value, low, high = ground.search.memory()
    state = NEVER if value is None else AT if value else ANY
    heap = ground.used.heap
    held = "as the heap of chat requests grows" if heap else "an assumption: its bodies"
    room = f", so {(limit.value - base) / each:,.0f} in flight fill it" if each else ""
    said = f"a request in flight holds {each:.3g} MB ({held}){room}"
    if state == NEVER:
        said += f"; no rate has more than {percent(TOLERATED)} of requests beyond that"
    yield Bound(
        limit=f"{ground.profile.name}.memory_mb",
        item="Memory of an isolate",
        state=state,
        uses=each,
        unit="MB",
        source=f"{limit.source}, {limit.date}" if limit.date else limit.source,
        why=said,
        rate_at=value or None,
        low=low,
        high=high,
        evidence=(heap.evidence,) if heap else (),
    )
