"""A tenant's limit kept in KV, by the rate-limit binding, or in a Durable Object.

Concurrent clients send each tenant's requests, many more than it may have, to
the isolates of several locations, in an order and with places drawn from the seed.
Time stands still in the Worker, so what passes beyond the limit has slipped through.
Which of two concurrent requests comes first is the machine's choice and not the
seed's, so that counts under concurrency differ a little between runs.

KV is asked three times: as a store that is always fresh, where requests race between
get and put; with its one write a second for each key; and with values cached for a
minute as well (Cloudflare docs, KV limits and how KV works).
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.errors import BenchError
from bench.remedies import Conclusion, Ground, Row, _limiter, row
from bench.remedies._numbers import estimate, number
from bench.workerd import tools

if TYPE_CHECKING:
    from pandas import DataFrame

    from bench.services import Services
    from bench.workerd.isolates import Isolates

TITLE = "Count requests in a Durable Object or by the binding, not in KV"
QUESTION = "How many requests of a tenant slip through beyond its limit?"
RUNTIME = "workerd"

LIMIT, TENANTS, TIMES = 6, 2, 8
_CALM, _RATE = {"staleness_ms": 0.0}, {"enforce_write_rate": True}
# Variant -> the route of the entry, and the settings of KV behind it.
VARIANTS: dict[str, tuple[str, dict[str, float | bool]]] = {
    "KV, races alone": ("bucket", _CALM),
    "KV, one write a second": ("bucket", {**_CALM, **_RATE}),
    "KV, and cached for 60 s": ("bucket", {"staleness_ms": 60_000.0, **_RATE}),
    "binding": ("binding", _CALM),
    "Durable Object": ("object", _CALM),
}
_UNLIMITED, _ALONE = 10**6, 24
_PASSED, _REFUSED = 200, 429


class Crowd(NamedTuple):
    """Where requests arrive, and how many at once."""

    locations: int
    clients: int

    @property
    def name(self) -> str:
        """Such as ``4 locations, 12 at once``."""
        many = "s" if self.locations > 1 else ""
        return f"{self.locations} location{many}, {self.clients} at once"


CROWDS = (Crowd(1, 1), Crowd(1, 12), Crowd(4, 12))
_ONE = "one after the other"


def measure(ground: Ground, seed: int) -> Iterator[Row]:
    """For each tenant ``passed`` and ``slipped``, the part beyond the limit; then CPU
    and wall of single requests, the object's own CPU included. Raises BenchError."""
    reason = tools.unavailable()
    if reason is not None:
        raise BenchError(reason)
    draw = random.Random(seed)
    with ground.bare() as services, tempfile.TemporaryDirectory() as folder:
        module = _limiter.build(Path(folder))
        for crowd in CROWDS:
            isolates = _limiter.start(module, services.endpoints["kv"], crowd.locations)
            with closing(isolates):
                isolates.ready()
                for variant in draw.sample(list(VARIANTS), len(VARIANTS)):
                    passed = _passed(services, isolates, variant, crowd, draw)
                    for seq, many in enumerate(passed.values()):
                        place = (variant, crowd.name)
                        yield row(*place, "passed", many, "requests", seq)
                        yield row(*place, "slipped", many - LIMIT, "requests", seq)
                if crowd == CROWDS[0]:
                    yield from _costs(services, isolates, draw)


def conclude(samples: DataFrame) -> Conclusion:
    """How many slip through in the largest crowd, and what one request costs."""
    worst = CROWDS[-1].name
    slipped = {name: estimate(samples, name, worst, "slipped") for name in VARIANTS}
    said = ", ".join(f"{name} {found.value:.1f}" for name, found in slipped.items())
    text = (
        f"Of {TIMES * LIMIT} requests of a tenant that may have {LIMIT}, sent to "
        f"{worst}, these slip through: {said}."
    )
    numbers = [
        number(f"slipped, {name}", found, "requests") for name, found in slipped.items()
    ]
    for name in ("KV, races alone", "binding", "Durable Object"):
        found = estimate(samples, name, _ONE, "cpu")
        numbers.append(number(f"CPU of a request, {name}", found, "ms"))
    return Conclusion(text, numbers)


def _passed(
    services: Services,
    isolates: Isolates,
    variant: str,
    crowd: Crowd,
    draw: random.Random,
) -> Counter[str]:
    """Tenant -> its requests that were let through."""
    way, settings = VARIANTS[variant]
    services.reset()
    services.configure("kv", **settings)
    # A name of its own for each variant: objects and counters forget nothing.
    tenants = [f"{variant} {n}" for n in range(TENANTS)]
    asked = [tenant for tenant in tenants for _ in range(TIMES * LIMIT)]
    draw.shuffle(asked)
    places = [draw.randrange(crowd.locations) for _ in asked]

    def once(place: int, tenant: str) -> int:
        status, body = isolates.alone(place, _limiter.request(way, tenant, LIMIT))
        if status not in (_PASSED, _REFUSED):
            said = body.decode(errors="replace")[:300]
            raise BenchError(f"{variant} answered {status}: {said}")
        return status

    with ThreadPoolExecutor(crowd.clients) as pool:
        statuses = list(pool.map(once, places, asked))
    passed = Counter(dict.fromkeys(tenants, 0))
    for tenant, status in zip(asked, statuses, strict=True):
        passed[tenant] += status == _PASSED
    return passed


def _costs(
    services: Services, isolates: Isolates, draw: random.Random
) -> Iterator[Row]:
    """CPU of the main thread and wall clock of single warm requests."""
    services.reset()
    ways = {"KV, races alone": "bucket", "binding": "binding"}
    ways["Durable Object"] = "object"
    order = [name for name in ways for _ in range(_ALONE)]
    draw.shuffle(order)
    for seq, name in enumerate([*ways, *order]):
        request = _limiter.request(ways[name], "alone", _UNLIMITED)
        cost, (status, _) = isolates.cost(0, request)
        if status != _PASSED:
            raise BenchError(f"{name} answered {status} to a request within its limit")
        if seq >= len(ways):
            yield row(name, _ONE, "cpu", cost.cpu / 1e6, "ms", seq)
            yield row(name, _ONE, "wall", cost.wall / 1e6, "ms", seq)
