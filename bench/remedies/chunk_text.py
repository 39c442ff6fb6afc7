"""The text of a chunk in the vector's metadata, or in R2 under the chunk's id.

The real Worker answers the chat request of the journey with ``CONTEXT`` one way and
the other. The chunks that it retrieves get texts of several sizes, the largest of them
filling the metadata of a vector to its last byte (10 KiB, Cloudflare docs, Vectorize
limits). Beyond that only R2 can hold them: the index refuses the vector, which is
tried. Bytes are those of the path in Python, whose context must be the same both ways
before anything is timed; the Worker is held to that path by its answer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.remedies import Conclusion, Ground, Row, row
from bench.remedies._chunks import LARGEST, METADATA, R2, Chunks
from bench.remedies._numbers import control, estimate, fixtures, number, ratio
from bench.workerd import tools
from bench.workerd.fleet import Fleet
from bench.workerd.subjects import WHOLE, check

if TYPE_CHECKING:
    from pandas import DataFrame

    from bench.runtimes import Scene
    from bench.workerd.isolates import Cost

TITLE = "Keep the text of a chunk in metadata; beyond 10 KB, in R2 by id"
QUESTION = "What does each way cost the Worker, and where does metadata end?"
RUNTIME = "workerd"

CONTROL = "control"  # metadata once more, in a process of its own
CONTEXTS = {METADATA: METADATA, R2: R2, CONTROL: METADATA}
WARM_REQUESTS, ROUNDS, REQUESTS = 12, 3, 4
# Times that a traced request is sent again when it had to wait for its core.
AGAIN = 2
_MS = 1e-6


def measure(ground: Ground, seed: int) -> Iterator[Row]:
    """Rows of single chat requests: ``cpu`` and, where workerd can trace itself,
    ``locked``; ``subrequests``, and ``bytes_in`` of the replies of index and bucket.
    Of the limit: ``accepted`` for metadata of that many bytes. Raises BenchError."""
    reason = tools.unavailable()
    if reason is not None:
        raise BenchError(reason)
    scene, services = ground.scene()
    draw = random.Random(seed)
    with Chunks(scene, services) as chunks, ExitStack() as stack:
        for many, accepted in chunks.edge():
            yield row(METADATA, f"{many} B of metadata", "accepted", accepted, "share")
        yield row(METADATA, LARGEST, "text", chunks.sizes[LARGEST], "bytes")
        fleets = {
            (variant, metric): stack.enter_context(
                _fleet(scene, context, trace=metric == "locked")
            )
            for variant, context in CONTEXTS.items()
            for metric in _metrics(variant)
        }
        for fleet in fleets.values():
            for _ in range(WARM_REQUESTS):
                check(scene, "chat", fleet.ask(0, scene.world.requests["chat"]))
        for size in chunks.sizes:
            for context in (METADATA, R2):
                chunks.fill(size, context)
                calls, received = chunks.replies(context)
                yield row(context, size, "subrequests", calls, "count")
                yield row(context, size, "bytes_in", received, "bytes")
        for turn in range(ROUNDS):
            for size in draw.sample(list(chunks.sizes), len(chunks.sizes)):
                for context in draw.sample((METADATA, R2), 2):
                    chunks.fill(size, context)
                    mine = [key for key in fleets if CONTEXTS[key[0]] == context]
                    for variant, metric in draw.sample(mine, len(mine)):
                        fleet = fleets[variant, metric]
                        for n, ms in enumerate(_costs(scene, fleet, metric)):
                            seq = turn * REQUESTS + n
                            yield row(variant, size, metric, ms, "ms", seq)


def conclude(samples: DataFrame) -> Conclusion:
    """What R2 costs relative to metadata at each size, and where metadata ends."""
    metric = "locked" if (samples["metric"] == "locked").any() else "cpu"
    sizes = [
        name
        for name in fixtures(samples, R2)
        if (samples[samples["fixture"] == name]["metric"] == metric).any()
    ]
    if not sizes:
        raise BenchError("no request was measured")
    numbers, said = [], []
    for size in sizes:
        for variant in (METADATA, R2):
            spent = estimate(samples, variant, size, metric)
            numbers.append(number(f"{metric}, {variant}, {size}", spent, "ms"))
        found = ratio(samples, (R2, size), (METADATA, size), metric)
        numbers.append(number(f"r2 relative to metadata, {size}", found, "ratio"))
        said.append(f"{found.value:.2f} times at {size}")
    text_bytes = estimate(samples, METADATA, LARGEST, "text")
    calls = {
        name: estimate(samples, name, LARGEST, "subrequests") for name in (METADATA, R2)
    }
    numbers.append(number("largest text in metadata", text_bytes, "bytes"))
    numbers += [number(f"subrequests, {k}", v, "count") for k, v in calls.items()]
    what = "time under the lock" if metric == "locked" else "CPU"
    text = (
        f"Reading from R2, a chat request's {what} is {', '.join(said)}, with "
        f"{calls[R2].value:.0f} subrequests instead of {calls[METADATA].value:.0f}. "
        f"Beside the path's other fields a text of {text_bytes.value:.0f} bytes fits "
        "into metadata; a byte more and the vector is refused."
    )
    same = (CONTROL, sizes[0]), (METADATA, sizes[0])
    return Conclusion(text, numbers, control(samples, *same, "cpu"))


def _metrics(variant: str) -> tuple[str, ...]:
    """What is read of a variant, each in a process of its own: a trace costs CPU."""
    traced = variant != CONTROL and tools.features().async_trace
    return ("cpu", "locked") if traced else ("cpu",)


def _fleet(scene: Scene, context: str, *, trace: bool) -> Fleet:
    return Fleet(scene, [WHOLE], trace=trace, options={"context": context})


def _costs(scene: Scene, fleet: Fleet, metric: str) -> Iterator[float]:
    """Ms of single requests, after one that fetches what other processes displaced."""
    request = scene.world.requests["chat"]
    fleet.ask(0, request)
    for _ in range(REQUESTS):
        costs: list[Cost] = []
        while not costs or (
            metric == "locked" and len(costs) <= AGAIN and _waiting(costs[-1]) > 0
        ):
            cost, answer = fleet.cost(0, request)
            check(scene, "chat", answer)
            costs.append(cost)
        best = min(costs, key=_waiting)
        spent = best.locked if metric == "locked" else best.cpu
        if spent is not None:
            yield spent * _MS


def _waiting(cost: Cost) -> int:
    """Ns that the main thread waited for its core: time under the lock is wall time."""
    return max(0, (cost.run_delay or 0) - cost.helpers)
