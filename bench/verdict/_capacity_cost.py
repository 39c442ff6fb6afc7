"""A month of the expected traffic on each platform, meter by meter.

Workers pay requests and CPU, and wait for free; Lambda and Cloud Run pay the wall clock
of the same requests, Fly pays machines. The same CPU is taken for granted everywhere.
What the services behind are paid for (KV, D1, an index) has a bill of its own, because
it is the same wherever the code runs; a model's tokens are in none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.errors import UserError
from bench.platform import cost, tables
from bench.platform.cost import Line
from bench.verdict._capacity_assumed import Assumed
from bench.verdict._capacity_engines import VECTORS
from bench.verdict._capacity_used import Used

MONTH_S = 30 * 86_400.0
WORKERS, SERVICES = "workers", "services"
TOTAL = "total"
_STORED, _QUERIED, _OPERATIONS = (
    "vectorize.stored",
    "vectorize.queried",
    "queues.operations",
)
_CLOUD_RUN_GIB = 0.5  # the smallest that a whole vCPU may have with some room
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What a bill needs of one request: means in ms, and amounts of each meter.

    ``stored`` are amounts that a month holds, whatever its traffic.
    """

    cpu_ms: float
    outside_ms: float
    meters: Mapping[str, float]
    stored: Mapping[str, float]

    @property
    def wall_ms(self) -> float:
        """Wall clock where nothing else runs."""
        return self.cpu_ms + self.outside_ms


def request(used: Used, cpu_ms: float, outside_ms: float, assumed: Assumed) -> Request:
    """A request of the workload; ``cpu_ms`` is the mean in production."""
    meters = dict(used.meters or {})
    if _OPERATIONS in meters:
        meters[_OPERATIONS] *= assumed.queue_operations
    needs = dict(getattr(used.module, "NEEDS", {}))
    dimensions = needs.get(VECTORS, 0) * tables.strict("vectorize.dimensions").value
    # Vectorize charges what is stored as queried too, once a month.
    stored = {_STORED: dimensions, _QUERIED: dimensions} if dimensions else {}
    return Request(cpu_ms, outside_ms, meters, stored)


def workers(requests: float, one: Request, assumed: Assumed) -> list[Line]:
    """The paid plan: itself, requests, and their CPU."""
    return cost.workers_monthly(requests, one.cpu_ms)


def services(requests: float, one: Request, assumed: Assumed) -> list[Line]:
    """Every meter of the services behind that has a price."""
    amounts = {
        meter: requests * one.meters.get(meter, 0.0) + one.stored.get(meter, 0.0)
        for meter in sorted({*one.meters, *one.stored})
    }
    return [
        cost.charge(meter, amount)
        for meter, amount in amounts.items()
        if amount and _priced(meter)
    ]


def aws_lambda(requests: float, one: Request, assumed: Assumed) -> list[Line]:
    """Lambda with the memory that has one whole vCPU."""
    memory_gb = tables.strict("lambda.vcpu").value / 1000
    return cost.lambda_monthly(requests, one.wall_ms, memory_gb)


def cloud_run(requests: float, one: Request, assumed: Assumed) -> list[Line]:
    """Cloud Run with one vCPU, shared by as many requests as keep it busy."""
    return cost.cloud_run_monthly(
        requests,
        one.wall_ms,
        _CLOUD_RUN_GIB,
        concurrency=together(requests, one, assumed),
    )


def fly(requests: float, one: Request, assumed: Assumed) -> list[Line]:
    """Fly machines, each shared by as many requests as keep it busy."""
    memory_gb = tables.strict("fly.shared_memory").value
    # A machine that is used half of the time serves half as many.
    return cost.fly_monthly(
        requests, one.cpu_ms / assumed.busy, memory_gb, concurrency=1
    )


ELSEWHERE = ("lambda", "cloud_run", "fly")
_BILLS: dict[str, Callable[[float, Request, Assumed], list[Line]]] = {
    WORKERS: workers,
    SERVICES: services,
    **dict(zip(ELSEWHERE, (aws_lambda, cloud_run, fly), strict=True)),
}


def together(requests: float, one: Request, assumed: Assumed) -> float:
    """Requests that share an instance on average: no more than its CPU can serve, than
    it lets in, and than there are at a time."""
    if not one.cpu_ms:
        return assumed.together
    at_a_time = requests / MONTH_S * one.wall_ms / 1000
    by_cpu = assumed.busy * one.wall_ms / one.cpu_ms
    return max(1.0, min(by_cpu, assumed.together, at_a_time))


def total(
    platform: str, requests: float, one: Request, assumed: Assumed
) -> float | None:
    """Dollars a month; None beyond the amount that a price is known for."""
    try:
        return cost.total(_BILLS[platform](requests, one, assumed))
    except UserError:
        return None


def native(requests: float, one: Request, assumed: Assumed) -> float:
    """Dollars a month of Workers and the services behind."""
    lines = [*workers(requests, one, assumed), *services(requests, one, assumed)]
    return cost.total(lines)


def rows(
    requests: float, one: Request, assumed: Assumed, ends: tuple[Request, Request]
) -> list[Row]:
    """``cost`` of the document: each meter of each platform, then its total.

    ``ends`` is the request at the least and the largest transfer factor, which give the
    interval of the total. An amount beyond what a price is known for has no dollars.
    """
    found: list[Row] = []
    for platform, bill in _BILLS.items():
        note, known = "", True
        try:
            lines = bill(requests, one, assumed)
        except UserError as error:
            lines, note, known = [], error.message, False
        found += [_row(platform, line) for line in lines]
        spread = [
            dollars
            for end in ends
            if (dollars := total(platform, requests, end, assumed)) is not None
        ]
        found.append(
            {
                "platform": platform,
                "meter": TOTAL,
                "item": "a month",
                "amount": requests,
                "unit": "requests",
                "included": None,
                "billed": None,
                "usd": cost.total(lines) if known else None,
                "low": min(spread, default=None) if known else None,
                "high": max(spread, default=None) if known else None,
                "source": "",
                "note": note,
            }
        )
    return found


def unpriced(one: Request) -> list[str]:
    """Meters of a request that have no price."""
    return sorted(meter for meter in one.meters if not _priced(meter))


def _priced(meter: str) -> bool:
    return any(row.id == f"{meter}.price" for row in tables.rows("prices"))


def unit(price: tables.Row) -> str:
    """What a price is for, such as ``reads``."""
    return price.unit.removeprefix("USD per ").removeprefix(f"{price.per:,} ")


def _row(platform: str, line: Line) -> Row:
    source = f"{line.price.source}, {line.price.date}".rstrip(", ")
    return {
        "platform": platform,
        "meter": line.meter,
        "item": f"{line.price.product} {line.item.lower()}"
        if platform == SERVICES
        else line.item,
        "amount": line.amount,
        "unit": unit(line.price),
        "included": line.included,
        "billed": line.billed,
        "usd": line.usd,
        "low": None,
        "high": None,
        "source": source,
        "note": line.price.note,
    }
