"""Limits that end a workload whatever its CPU: what it needs beyond what there is.

A module of `bench/workloads/` says what it needs, ``NEEDS = {limit: amount}``. A limit
is one of the profile (``subrequests``) or a row of the platform tables, where
``d1.database`` is the row ``d1.database.free`` or ``.paid``. What a run has counted is
held against the profile too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bench.errors import BenchError, UserError
from bench.platform import LimitProfile, limit_profiles
from bench.platform.tables import Row, find, strict

# Metrics of a run that are limits of a profile under the same name.
_COUNTED = ("subrequests",)


class Broken(NamedTuple):
    """A limit that is not kept: its id, and why in words."""

    limit: str
    why: str


def broken(
    module: Any, profile: LimitProfile, counts: Mapping[str, float]
) -> Broken | None:
    """The first limit of ``profile`` that the workload does not keep, None for none.

    ``counts`` is the most that was counted in one request. Raises BenchError that names
    the file of a workload that needs an unknown limit.
    """
    return next(_exceeded(module, profile, counts), None)


def _exceeded(
    module: Any, profile: LimitProfile, counts: Mapping[str, float]
) -> Iterator[Broken]:
    counted = {name: counts[name] for name in _COUNTED if name in counts}
    for name, amount in (counted | dict(getattr(module, "NEEDS", {}))).items():
        row = _row(str(name), profile, module)
        if row is None:
            continue
        short = amount < row.value if row.higher_is_stricter else amount > row.value
        if short:
            what = f"{row.item}: it needs {amount:,g} of {row.value:,g} {row.unit}"
            yield Broken(row.id, f"{what} ({row.source})")


def _row(name: str, profile: LimitProfile, module: Any) -> Row | None:
    """The row that holds in ``profile``; None where that has no such limit."""
    if name in profile.limits:
        limit = profile.limits[name]
        place = f"{profile.name}.{name}"
        return Row(
            place,
            "Workers",
            name,
            "",
            limit.value,
            limit.unit,
            limit.source,
            limit.date,
        )
    if any(name in other.limits for other in limit_profiles().values()):
        return None
    plan = "free" if profile.name == "free" else "paid"
    for ident in (name, f"{name}.{plan}"):
        try:
            row = find(ident)
        except UserError:
            continue
        return strict(ident) if row.plan in ("", plan) else None
    raise BenchError(f"{module.__file__}: NEEDS names the unknown limit {name!r}")
