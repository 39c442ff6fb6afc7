"""What a request holds of an isolate's memory, which its concurrent requests share.

The model's stream is slowed down so that requests wait in the middle of their answer,
all at once. Live is what a full collection leaves then; peak is the most that was in
use at any reading, garbage included. Both are V8's heap and the buffers outside it
(Runtime.getHeapUsage); 128 MB is the limit of an isolate.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.path.http import Request
from bench.workerd.fleet import Fleet
from bench.workerd.inspector import ARGUMENT, Inspector
from bench.workerd.subjects import check

if TYPE_CHECKING:
    from bench.runtimes import Scene

CONCURRENT = (1, 8, 64)
# Between two events of the stream, so that an answer takes a second or two: the last
# request must have reached its stream before the first one ends.
DELAY_MS = 50.0
WARM_REQUESTS = 30
READINGS = 8
PAUSE_S = 0.02
_MB = 1e6
_COLLECT = Request("GET", "/collect", {}, b"")
_BEGUN = Request("GET", "/begun", {}, b"")


def measure(scene: Scene) -> list[dict[str, Any]]:
    """Samples in MB: ``idle`` heap, then ``live`` and ``peak`` with 1, 8, 64 requests
    in flight. Raises BenchError."""
    request = scene.world.requests["chat"]
    with (
        Fleet(scene, ["heap"], arguments=[ARGUMENT], v8_flags=["--expose-gc"]) as fleet,
        Inspector(fleet.inspector_port) as inspector,
    ):
        for _ in range(WARM_REQUESTS):
            check(scene, "chat", fleet.ask(0, request))
        fleet.ask(0, _COLLECT)
        rows = [_row("idle", 0, _used(inspector))]
        with _slowed(scene):
            for many in CONCURRENT:
                live, peak = _held(scene, fleet, inspector, many)
                rows += [_row("live", many, live), _row("peak", many, peak)]
        return rows


@contextmanager
def _slowed(scene: Scene) -> Iterator[None]:
    scene.configure("anthropic", delay_ms=DELAY_MS)
    try:
        yield
    finally:
        scene.configure("anthropic", delay_ms=0.0)


def _held(
    scene: Scene, fleet: Fleet, inspector: Inspector, many: int
) -> tuple[float, float]:
    """Live and peak MB with ``many`` requests in flight."""
    request = scene.world.requests["chat"]
    before = _begun(fleet)
    started = threading.Barrier(many + 1)

    def once() -> tuple[int, bytes]:
        started.wait()
        return fleet.alone(0, request)

    with ThreadPoolExecutor(many) as pool:
        waiting = [pool.submit(once) for _ in range(many)]
        started.wait()
        peak = 0.0
        # One that has not reached its stream yet holds less than it will.
        while _begun(fleet) - before < many and not any(w.done() for w in waiting):
            peak = max(peak, _used(inspector))
        for _ in range(READINGS):
            time.sleep(PAUSE_S)
            peak = max(peak, _used(inspector))
        fleet.ask(0, _COLLECT)
        live = _used(inspector)
        in_flight = _begun(fleet) - before - sum(each.done() for each in waiting)
        answers = [each.result() for each in waiting]
    for answer in answers:
        check(scene, "chat", answer)
    if in_flight < many:
        raise BenchError(f"only {in_flight} of {many} requests were in flight")
    return live, peak


def _begun(fleet: Fleet) -> int:
    """Answers whose head has been made so far."""
    return int(fleet.ask(0, _BEGUN)[1])


def _used(inspector: Inspector) -> float:
    usage = inspector.call("Runtime.getHeapUsage")
    return float(usage["usedSize"] + usage.get("backingStorageSize", 0)) / _MB


def _row(what: str, many: int, value: float) -> dict[str, Any]:
    return {
        "stage": "heap",
        "variant": str(many),
        "metric": what,
        "unit": "MB",
        "value": value,
    }
