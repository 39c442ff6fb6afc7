"""What the free plan allows a day, and what a month of it: requests and every meter."""

from __future__ import annotations

from collections.abc import Iterator

from bench.platform import limit_profiles
from bench.platform.tables import Row, find, rows, strict
from bench.verdict.limits import (
    AT,
    DAY_S,
    MONTH_DAYS,
    Bound,
    Ground,
    sourced,
    spoken,
    unknown,
)

_A_DAY = " a day"


def bounds(ground: Ground) -> Iterator[Bound]:
    """The allowances that end a free account; a paid one pays instead."""
    if not ground.free:
        return
    if "requests_day" in limit_profiles()["free"].limits:
        row = find("free.requests_day")
        yield _bound(ground, row, 1.0, "requests", DAY_S, "Requests a day")
    for row in rows("prices"):
        meter = row.id.removesuffix(".free")
        if meter == row.id or meter == "workers.requests":
            continue
        uses = ground.meter(meter)
        if uses is None:
            yield unknown(row, row.unit)
        elif uses > 0:
            daily = row.unit.endswith(_A_DAY)
            lasts = DAY_S if daily else DAY_S * MONTH_DAYS
            unit = row.unit.removesuffix(_A_DAY)
            item = f"{row.product}: {row.item.lower()}, {'a day' if daily else 'free'}"
            yield _bound(ground, row, uses, unit, lasts, item)


def _bound(
    ground: Ground, row: Row, uses: float, unit: str, lasts: float, item: str
) -> Bound:
    least = strict(row.id).value
    rate = row.value / uses / lasts
    said = f"{spoken(row)}: a request takes {uses:,.3g}"
    if least < row.value:
        said += f"; another source says {least:,g}"
    return Bound(
        limit=row.id,
        item=item,
        state=AT,
        uses=uses,
        unit=unit,
        source=sourced(row),
        why=said,
        rate_at=rate,
        low=least / uses / lasts,
        high=rate,
        evidence=ground.evidence,
    )
