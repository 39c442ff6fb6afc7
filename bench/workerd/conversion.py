"""What converting the event stream costs, over passing it through: CPU a chunk."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.measure.statistics import typical
from bench.measure.turns import Member, Pace, Subject, groups
from bench.path import handle
from bench.path.http import read
from bench.path.transport import HttpTransport
from bench.workerd.subjects import Single

if TYPE_CHECKING:
    from bench.runtimes import Scene

CONVERT, PASS, BLOCK = "convert", "pass", "chat"
PACE = Pace(rounds=60, seconds=1.3, warm_seconds=0.5)
MIN_GROUPS = 6


def measure(scene: Scene, seed: int, seconds: float) -> list[dict[str, Any]]:
    """Samples: CPU in ms a chunk of converting minus passing, one of each group, and
    the number of chunks of the recorded stream. Raises BenchError."""
    chunks, passed = _stream(scene)

    def member(way: str, answer: tuple[int, bytes] | None) -> Member:
        options = {"stream": way}

        def start(seed: int) -> Subject:
            return Single(scene, seed, options, answer)

        return Member(way, start, {BLOCK: BLOCK}, 1)

    members = [member(CONVERT, None), member(PASS, passed)]
    rows = [_row("chunks", 0, chunks, "1")]
    began = time.monotonic()
    with closing(groups(members, PACE, seed=seed)) as source:
        for done, group in enumerate(source, start=1):
            converted, passed_on = (
                typical(group.cpu(way, BLOCK)) for way in (CONVERT, PASS)
            )
            extra = converted - passed_on
            rows.append(_row("cpu", done - 1, extra / chunks * 1e-6, "ms"))
            if done >= MIN_GROUPS and time.monotonic() - began > seconds:
                break
    return rows


def _stream(scene: Scene) -> tuple[int, tuple[int, bytes]]:
    """Chunks that the service sends, and the answer where they are passed through."""
    with HttpTransport(scene.endpoints) as transport:
        env = scene.world.env(transport, stream="pass")
        response = handle("chat", scene.world.requests["chat"], env)
        body = read(response)
    chunks = body.count(b"\n\n")  # one an event, as the service is set up
    if response.status != 200 or not chunks:
        raise BenchError(f"the model's stream has {chunks} events")
    return chunks, (response.status, body)


def _row(metric: str, process: int, value: float, unit: str) -> dict[str, Any]:
    return {
        "stage": "conversion",
        "invocation": "chat",
        "variant": "per chunk",
        "process": process,
        "metric": metric,
        "unit": unit,
        "value": value,
    }
