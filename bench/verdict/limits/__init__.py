"""At which rate each limit of the platform binds: a family of limits is a file here.

A family defines ``bounds(ground) -> Iterator[Bound]``: what one limit profile and one
request of the workload say about each of its limits. A limit that the workload does not
touch yields nothing; one that the run cannot tell yields `unknown`. Rates are means
over all locations; where a limit is about a second, the peak of the traffic is what
meets it.

To add a family, add a file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench import registry
from bench.errors import UserError
from bench.platform import LimitProfile
from bench.platform.tables import Row, strict

if TYPE_CHECKING:
    from bench.verdict._capacity_assumed import Assumed
    from bench.verdict._capacity_search import Search
    from bench.verdict._capacity_traffic import Traffic
    from bench.verdict._capacity_used import Used

DAY_S = 86_400.0
MONTH_DAYS = 30
AT, ANY, FILLS, NEVER, UNKNOWN = "at", "any rate", "fills", "never", "unknown"
STATES = (AT, ANY, FILLS, NEVER, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Bound:
    """One limit against one request.

    ``limit`` is an id of `bench.platform`, or begins with ``assumed.``
    where no page gives a number. ``uses`` is what a request takes of it, in ``unit``.
    ``state`` says whether it binds at ``rate_at`` requests a second, at any rate,
    never, or is unknown; ``low`` and ``high`` are the ends of that rate, None without
    one. What fills up has ``days`` until then at the expected rate, and ``rate_at`` is
    the rate at which it lasts for the horizon.
    """

    limit: str
    item: str
    state: str
    uses: float | None
    unit: str
    source: str
    why: str
    rate_at: float | None = None
    low: float | None = None
    high: float | None = None
    days: float | None = None
    evidence: tuple[str, ...] = ()

    @property
    def first_at(self) -> float | None:
        """The rate at which it breaks: 0 at any, None where no rate does that."""
        return {AT: self.rate_at, ANY: 0.0}.get(self.state)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a limit is held against. ``place`` is that of the profile in the search."""

    profile: LimitProfile
    place: int
    used: Used
    traffic: Traffic
    assumed: Assumed
    search: Search

    @property
    def free(self) -> bool:
        """Whether the free plan's allowances hold."""
        return self.profile.name == "free"

    @property
    def evidence(self) -> tuple[str, ...]:
        """Ids of the requests that were measured."""
        return self.used.costs.evidence

    def meter(self, name: str) -> float | None:
        """Amount of a meter a request; None in a run without meters."""
        return None if self.used.meters is None else self.used.meters.get(name, 0.0)

    def calls(self, *names: str) -> float | None:
        """Calls to services a request; None in a run without them."""
        calls = self.used.calls
        return None if calls is None else sum(calls.get(name, 0.0) for name in names)

    def row(self, ident: str) -> Row | None:
        """The strictest row of ``ident``, or of ``ident.free`` and ``ident.paid``."""
        for known in (ident, f"{ident}.{'free' if self.free else 'paid'}"):
            try:
                return strict(known)
            except UserError:
                continue
        return None


def load() -> dict[str, Any]:
    """Families by name, in alphabetical order."""
    return registry.load(__name__, ("bounds",))


def all_bounds(ground: Ground) -> list[Bound]:
    """What every family says."""
    return [bound for family in load().values() for bound in family.bounds(ground)]


def per_second(
    ground: Ground,
    row: Row,
    uses: float | None,
    unit: str,
    *,
    share: tuple[float, float, float] = (1.0, 1.0, 1.0),
    minute: bool = False,
    why: str = "",
) -> Iterator[Bound]:
    """A limit on a rate. ``share`` of the traffic that meets it, with the least and the
    most that it may be; ``minute`` where the limit is for one of those."""
    if uses is None:
        yield unknown(row, unit)
        return
    if uses <= 0:
        return
    allowed = row.value / (60.0 if minute else 1.0) / ground.traffic.peak / uses
    middle, least, most = share
    rate = allowed / middle
    said = f"{spoken(row)}: a request takes {uses:,.3g} {unit}{why}"
    if ground.traffic.peak > 1.05:
        said += (
            f"; the peak of the traffic is {ground.traffic.peak:,.2g} times its mean"
        )
    yield Bound(
        limit=row.id,
        item=row.item,
        state=AT,
        uses=uses,
        unit=unit,
        source=sourced(row),
        why=said,
        rate_at=rate,
        low=allowed / most,
        high=allowed / least,
        evidence=ground.evidence,
    )


def fills(
    ground: Ground, row: Row, uses: float, unit: str, what: str
) -> Iterator[Bound]:
    """A room that what is kept fills up, a request ``uses`` of it and nothing freed."""
    if uses <= 0:
        return
    horizon = ground.assumed.horizon_days
    days = row.value / (uses * ground.traffic.rate * DAY_S)
    rate = row.value / uses / DAY_S / horizon
    yield Bound(
        limit=row.id,
        item=row.item,
        state=FILLS,
        uses=uses,
        unit=unit,
        source=sourced(row),
        why=f"{what} of {row.value:,g} {row.unit} is full after {days:,.3g} days as "
        f"expected, nothing deleted; at {rate:,.3g} a second it lasts {horizon:g} days",
        rate_at=rate,
        low=rate,
        high=rate,
        days=days,
        evidence=ground.evidence,
    )


def unknown(row: Row, unit: str) -> Bound:
    """What a run without meters says of a limit."""
    why = "this run has no meters: measure again with `bench workloads`"
    return Bound(row.id, row.item, UNKNOWN, None, unit, sourced(row), why)


def spoken(row: Row) -> str:
    """A limit in words: ``Messages of a queue, 5,000 messages a second``."""
    return f"{row.item}, {row.value:,g} {row.unit}"


def sourced(row: Row) -> str:
    """The source of a row, with its date where it has one."""
    return f"{row.source}, {row.date}" if row.date else row.source


def hottest(many: float, skew: float) -> float:
    """Share of the traffic that the busiest of ``many`` has, by a Zipf law."""
    ranks = range(1, round(many) + 1)
    return 1.0 / math.fsum(float(rank) ** -skew for rank in ranks)


def keyed(assumed: Assumed, range_: tuple[float, float]) -> tuple[float, float, float]:
    """Share of the busiest tenant: as assumed, with most tenants, with fewest."""
    skew = assumed.tenant_skew
    fewest, most = min(range_), max(range_)
    return (
        hottest(assumed.tenants, skew),
        hottest(max(most, assumed.tenants), skew),
        hottest(min(fewest, assumed.tenants), skew),
    )
