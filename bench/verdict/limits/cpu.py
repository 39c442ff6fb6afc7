"""CPU of an isolate: the rate at which its bank is empty for too many requests."""

from __future__ import annotations

from collections.abc import Iterator

from bench.platform.tables import Row, find
from bench.verdict.answer import percent
from bench.verdict.bank import TOLERATED
from bench.verdict.limits import ANY, AT, NEVER, Bound, Ground, sourced


def bounds(ground: Ground) -> Iterator[Bound]:
    """The limit of a request, by simulation at growing rates.

    Traffic kills what a test does not: only isolates that live long enough, because
    requests keep coming, spend what they had at first. One that was ended begins with
    credit again, so that an overrun of d ms on average ends a share of d / credit.
    """
    value, low, high = ground.search.cpu(ground.place)
    mean = float(ground.used.warm_ms.mean()) * ground.search.factor
    limit = ground.profile.cpu_ms
    row = _row(ground)
    state = NEVER if value is None else AT if value else ANY
    said = f"a warm request takes {mean:.3g} ms on average, of {limit:,g} ms"
    more = {
        AT: f"from here on more than {percent(TOLERATED)} of requests are ended",
        ANY: f"more than {percent(TOLERATED)} of requests are ended even when few come",
        NEVER: f"no rate ends more than {percent(TOLERATED)} of requests in the usual "
        "bank",
    }[state]
    if state == NEVER and low is not None:
        where = f"from {low:,.3g} requests a second" if low else "at any rate"
        more += f"; the strictest bank on the slowest machine does {where}"
    yield Bound(
        limit=row.id,
        item="CPU of a request, with its bank",
        state=state,
        uses=mean,
        unit="ms",
        source=sourced(row),
        why=f"{said}; {more}",
        rate_at=value or None,
        low=low,
        high=high,
        evidence=ground.evidence,
    )


def _row(ground: Ground) -> Row:
    profile = ground.profile
    limit = profile.limits["cpu_ms"]
    ident = f"{profile.name}.cpu_ms"
    if profile.name.startswith("custom:"):
        return Row(
            ident, "Workers", "cpu_ms", "", limit.value, limit.unit, limit.source, ""
        )
    return find(ident)
