"""What a month costs, meter by meter, from the prices in `prices.toml`.

Waiting is free on Workers, which charges CPU, and is charged on Lambda and Cloud Run,
which charge wall time, and on Fly, which charges machines: compare a Worker's CPU with
the wall time of the same request elsewhere. Each included amount belongs to an account,
so it is spent once, whatever else the account runs. Taxes, egress, committed use and
support are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bench.errors import UserError
from bench.platform import tables

# Fly's price of memory is for 30 days, so that is the month here.
_MONTH_S = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Line:
    """One meter of a bill: ``amount`` used, ``billed`` beyond ``included``, in dollars.

    ``amount``, ``included`` and ``billed`` are in the unit that the price names.
    """

    meter: str
    item: str
    amount: float
    included: float
    billed: float
    usd: float
    price: tables.Row


def charge(meter: str, amount: float) -> Line:
    """What ``amount`` of a meter costs in a month, such as ``kv.reads``.

    What is free each day, such as the neurons of Workers AI, is not taken off.
    Raises UserError for a meter without a price, and for an amount that is negative or
    not finite.
    """
    _check(amount=amount)
    price = tables.strict(f"{meter}.price")
    free = f"{meter}.included"
    known = any(row.id == free for row in tables.rows("prices"))
    included = tables.strict(free).value if known else 0.0
    billed = max(0.0, amount - included)
    usd = billed / price.per * price.value
    return Line(meter, price.item, amount, included, billed, usd, price)


def total(lines: Iterable[Line]) -> float:
    """Dollars a month of all ``lines``."""
    return math.fsum(line.usd for line in lines)


def workers_monthly(requests: float, cpu_ms: float) -> list[Line]:
    """The paid plan, its requests, and their CPU of ``cpu_ms`` on average each.

    The requests and CPU of one account; the CPU of a service binding is that of the
    caller and the callee. Raises UserError for a negative number.
    """
    _check(requests=requests, cpu_ms=cpu_ms)
    return [
        charge("workers.plan", 1),
        charge("workers.requests", requests),
        charge("workers.cpu", requests * cpu_ms),
    ]


def lambda_monthly(
    requests: float, wall_ms: float, memory_gb: float, architecture: str = "x86"
) -> list[Line]:
    """AWS Lambda: requests, and GB-s of wall time in steps of a millisecond.

    ``wall_ms`` is that of every request, waiting included; a cold start adds its own.
    ``architecture`` is ``x86`` or ``arm64``. Raises UserError for another one, for a
    negative number, and beyond the amount up to which the price is known.
    """
    _check(requests=requests, wall_ms=wall_ms, memory_gb=memory_gb)
    if architecture not in ("x86", "arm64"):
        raise UserError(
            f"Lambda has no {architecture!r}",
            field="architecture",
            remedy="name x86 or arm64",
        )
    seconds = requests * _rounded(wall_ms, "lambda.rounding") / 1000
    duration = charge(f"lambda.{architecture}", seconds * memory_gb)
    tier = tables.strict(f"lambda.{architecture}.tier").value
    if duration.amount > tier:
        raise UserError(
            f"{duration.amount:,.0f} GB-s a month is beyond the {tier:,.0f} that the "
            "known price is for",
            remedy="add the price of the next tier to bench/platform/prices.toml",
        )
    return [charge("lambda.requests", requests), duration]


def cloud_run_monthly(
    requests: float,
    wall_ms: float,
    memory_gib: float,
    *,
    vcpu: float = 1,
    concurrency: float = 1,
) -> list[Line]:
    """Cloud Run, request-based: requests, vCPU-s and GiB-s while a request runs.

    ``concurrency`` is how many requests share an instance at a time, on average; they
    are charged once. Wall time of a request counts in steps of 100 ms. Raises UserError
    for a negative number or a concurrency below 1.
    """
    _check(requests=requests, wall_ms=wall_ms, memory_gib=memory_gib, vcpu=vcpu)
    _check_concurrency(concurrency)
    rounded = _rounded(wall_ms, "cloud_run.rounding")
    seconds = requests * rounded / 1000 / concurrency
    return [
        charge("cloud_run.requests", requests),
        charge("cloud_run.cpu", seconds * vcpu),
        charge("cloud_run.memory", seconds * memory_gib),
    ]


def fly_monthly(
    requests: float, wall_ms: float, memory_gb: float, *, concurrency: float = 1
) -> list[Line]:
    """Fly: as many shared-cpu-1x machines as an even load keeps busy, at least one.

    ``wall_ms`` is that of a request on such a machine, and ``concurrency`` how many it
    serves at a time. A load that comes in peaks needs more, so this is a least cost.
    Raises UserError for a negative number or a concurrency below 1.
    """
    _check(requests=requests, wall_ms=wall_ms, memory_gb=memory_gb)
    _check_concurrency(concurrency)
    busy_s = requests * wall_ms / 1000 / concurrency
    machines = max(1, math.ceil(busy_s / _MONTH_S))
    more_gb = max(0.0, memory_gb - tables.strict("fly.shared_memory").value)
    return [
        charge("fly.shared", machines),
        charge("fly.memory", machines * more_gb),
    ]


def _rounded(wall_ms: float, ident: str) -> float:
    step = tables.strict(ident).value
    return math.ceil(wall_ms / step) * step


def _check(**amounts: float) -> None:
    for field, value in amounts.items():
        if not (math.isfinite(value) and value >= 0):
            raise UserError(
                f"{value} is not an amount",
                field=field,
                remedy="give a number that is zero or more",
            )


def _check_concurrency(concurrency: float) -> None:
    if not (math.isfinite(concurrency) and concurrency >= 1):
        raise UserError(
            f"{concurrency} requests at a time cannot be",
            field="concurrency",
            remedy="give 1 or more",
        )
