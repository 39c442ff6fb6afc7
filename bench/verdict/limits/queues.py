"""Queues: messages a second of one queue."""

from __future__ import annotations

from collections.abc import Iterator

from bench.platform.tables import strict
from bench.verdict.limits import Bound, Ground, per_second


def bounds(ground: Ground) -> Iterator[Bound]:
    """What is written; a message of more than 64 KB counts for more than one."""
    yield from per_second(
        ground,
        strict("queues.throughput"),
        ground.meter("queues.operations"),
        "messages",
        why=" of one queue",
    )
