"""What an isolate holds: idle, warm, and with requests in flight.

Every service is slowed, so that requests which ask one wait for it all at once; a route
that asks none answers before the next request comes, and holds nothing. Live is what a
full collection leaves, peak the most that was in use at any reading, garbage included.
Both are V8's heap and the buffers outside it; 128 MB is the limit of an isolate.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from bench.path.http import Request
from bench.project.requests import url
from bench.project.scene import Scene
from bench.workerd.inspector import ARGUMENT, Inspector
from bench.workerd.isolates import Isolates

CONCURRENT = (1, 8, 32)
DELAY_MS = 400.0
WARM_REQUESTS = 50
READINGS = 6
_PAUSE_S = DELAY_MS / 1000 / (READINGS + 2)
_MB = 1e6
# After the one isolate and the floor; it takes any request.
_COLLECTOR = 2
_ANY = Request("GET", url("/"), {}, b"")
Row = dict[str, Any]


def measure(scene: Scene, seed: int = 1) -> list[Row]:
    """Rows ``{"what", "concurrent", "in_flight", "mb"}``: ``idle`` before the first
    request, then ``live`` and ``peak`` with 0, 1, 8 and 32 requests sent at once.

    ``in_flight`` is how many of them had no answer yet when it was read. Raises
    BenchError.
    """
    draw = random.Random(seed)
    routes, weights = list(scene.routes), list(scene.weights.values())
    scene.reset()

    def some(n: int) -> list[Request]:
        chosen = draw.choices(routes, weights, k=n)
        return [draw.choice(list(scene.routes[route])) for route in chosen]

    with (
        scene.discreet(),
        scene.isolates(
            1, arguments=[ARGUMENT], v8_flags=["--expose-gc"], collects=True
        ) as isolates,
        Inspector(isolates.inspector_port) as inspector,
    ):
        rows = [_row("idle", 0, 0, _collected(isolates, inspector))]
        for request in some(WARM_REQUESTS):
            isolates.ask(0, request)
        rows.append(_row("live", 0, 0, _collected(isolates, inspector)))
        with _slowed(scene):
            for many in CONCURRENT:
                rows += _held(isolates, inspector, some(many))
    return rows


@contextmanager
def _slowed(scene: Scene) -> Iterator[None]:
    for name in scene.services.endpoints:
        scene.services.fault(name, "slow", delay_ms=DELAY_MS)
    try:
        yield
    finally:
        scene.services.clear_faults()


def _held(
    isolates: Isolates, inspector: Inspector, requests: list[Request]
) -> list[Row]:
    """Live and peak MB while ``requests`` are answered."""
    many = len(requests)
    started = threading.Barrier(many + 1)

    def once(request: Request) -> None:
        started.wait()
        isolates.alone(0, request)

    with ThreadPoolExecutor(many) as pool:
        waiting = [pool.submit(once, request) for request in requests]
        started.wait()
        peak = 0.0
        for _ in range(READINGS):
            time.sleep(_PAUSE_S)
            peak = max(peak, _used(inspector))
        live = _collected(isolates, inspector)
        in_flight = sum(not each.done() for each in waiting)
        for each in waiting:
            each.result()
    return [_row("live", many, in_flight, live), _row("peak", many, in_flight, peak)]


def _collected(isolates: Isolates, inspector: Inspector) -> float:
    isolates.ask(_COLLECTOR, _ANY)
    return _used(inspector)


def _used(inspector: Inspector) -> float:
    usage = inspector.call("Runtime.getHeapUsage")
    return float(usage["usedSize"] + usage.get("backingStorageSize", 0)) / _MB


def _row(what: str, concurrent: int, in_flight: int, value: float) -> Row:
    return {
        "what": what,
        "concurrent": concurrent,
        "in_flight": in_flight,
        "mb": value,
    }
