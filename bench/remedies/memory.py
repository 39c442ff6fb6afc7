"""128 MB under concurrency: what each request in flight holds of an isolate's memory.

More and more chat requests of the journey wait in the middle of their answer in one
isolate: each has sent its head, and the model's stream is slowed down so that none can
end. Live is what a full collection leaves of V8's heap and the buffers outside it
(Runtime.getHeapUsage), in use is the same before it, garbage included. A line through
live by requests in flight, fitted to each process, says how many fill the isolate's
memory; that lies beyond what is held at once here, and is an extrapolation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.measure.statistics import Interval, mean_interval, ratio_interval
from bench.path.http import Request
from bench.platform import DEFAULT, limit_profile
from bench.remedies import Conclusion, Ground, Row, row
from bench.remedies._numbers import number
from bench.workerd import fleet, tools
from bench.workerd.inspector import ARGUMENT, Inspector
from bench.workerd.process import Workerd, WorkerdError
from bench.workerd.subjects import check

if TYPE_CHECKING:
    from pandas import DataFrame

    from bench.runtimes import Scene

TITLE = "Keep what a request holds small: an isolate's requests share 128 MB"
QUESTION = "How many chat requests in flight fill the memory of an isolate?"
RUNTIME = "workerd"

# Requests in flight, each number on top of the one before.
IN_FLIGHT = (0, 1, 16, 128)
WARM_REQUESTS = 12
_DELAY_MS = 1000.0  # between two events of the stream, of some 40
_SOCKETS = 2  # of the isolate, and of the trigger of queues
_MB = 1e6
_OK = 200
_COLLECT = Request("GET", "/collect", {}, b"")
_VARIANT = "chat"
_IN_FLIGHT = " in flight"


def measure(ground: Ground, seed: int) -> Iterator[Row]:
    """``live`` and ``in use`` MB by requests in flight, from none.

    ``seed`` changes nothing: only processes differ. Raises BenchError.
    """
    reason = tools.unavailable()
    if reason is not None:
        raise BenchError(reason)
    scene, _ = ground.scene()
    folder = fleet.write(scene, ["heap"], v8_flags=["--expose-gc"])
    request = scene.world.requests["chat"]
    with Workerd(folder, [ARGUMENT]) as workerd, ExitStack() as held:
        workerd.ready(_SOCKETS)
        for _ in range(WARM_REQUESTS):
            check(scene, "chat", workerd.ask(0, request))
        held.enter_context(_slowed(scene))
        inspector = held.enter_context(Inspector(workerd.inspector_port))
        waiting = 0
        for many in IN_FLIGHT:
            for _ in range(many - waiting):
                held.enter_context(closing(_begun(workerd, request)))
            waiting = many
            fixture = f"{many}{_IN_FLIGHT}"
            yield row(_VARIANT, fixture, "in use", _used(inspector), "MB")
            workerd.ask(0, _COLLECT)
            yield row(_VARIANT, fixture, "live", _used(inspector), "MB")


def conclude(samples: DataFrame) -> Conclusion:
    """MB a request and the number that fills the isolate, intervals over processes."""
    limit = limit_profile(DEFAULT).memory_mb
    each = [line(group) for _, group in samples.groupby("process", sort=True)]
    if not each:
        raise BenchError("no isolate's memory was read")
    slope = mean_interval([per_request for _, per_request in each])
    full = ratio_interval([math.log(filled(limit, *one)) for one in each])
    largest = max(_many(fixture) for fixture in samples["fixture"])
    text = (
        f"A chat request in flight holds {slope.value:.3f} MB. By a line through 0 to "
        f"{largest} of them, {full.value:,.0f} ({_range(full)}) fill the {limit:.0f} "
        "MB of an isolate, which is an extrapolation and leaves garbage out."
    )
    numbers = [
        number("live memory of a request in flight", slope, "MB"),
        number(f"requests that fill {limit:.0f} MB", full, "requests"),
    ]
    return Conclusion(text, numbers)


def line(group: DataFrame) -> tuple[float, float]:
    """MB of an isolate without requests and MB that each adds, of one process.

    Raises BenchError with fewer than two numbers of requests.
    """
    live = group[group["metric"] == "live"]
    if live["fixture"].nunique() < 2:
        raise BenchError("memory was read at fewer than two numbers of requests")
    many = [_many(fixture) for fixture in live["fixture"]]
    slope, base = np.polyfit(many, live["value"], 1)
    return float(base), float(slope)


def filled(limit: float, base: float, each: float) -> float:
    """How many requests reach ``limit`` MB. Raises BenchError where they add none."""
    if each <= 0:
        raise BenchError(f"a request in flight adds {each:.3f} MB, which is no memory")
    return (limit - base) / each


def _begun(workerd: Workerd, request: Request) -> HTTPConnection:
    """The connection of a request that has sent the head of its answer, and no more."""
    connection = workerd.connect("0")
    try:
        status = workerd.send(connection, 0, request).status
    except (OSError, HTTPException) as error:
        connection.close()
        raise WorkerdError(f"workerd gave no answer: {error!r}") from error
    if status != _OK:
        connection.close()
        raise BenchError(f"a chat request answered {status}")
    return connection


@contextmanager
def _slowed(scene: Scene) -> Iterator[None]:
    scene.configure("anthropic", delay_ms=_DELAY_MS)
    try:
        yield
    finally:
        scene.configure("anthropic", delay_ms=0.0)


def _used(inspector: Inspector) -> float:
    usage = inspector.call("Runtime.getHeapUsage")
    return float(usage["usedSize"] + usage.get("backingStorageSize", 0)) / _MB


def _many(fixture: str) -> int:
    return int(fixture.removesuffix(_IN_FLIGHT))


def _range(found: Interval) -> str:
    return f"{found.low:,.0f} to {found.high:,.0f}"
