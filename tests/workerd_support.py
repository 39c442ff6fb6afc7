"""What the tests of the workerd runtime share: a scene, and sizes made tiny."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.measure.sizes import PhaseSize, Size
from bench.measure.turns import Pace
from bench.runtimes import Scene
from bench.workerd import conversion, heap, profiling, stage_cases, tools, warm

PACE = Pace(rounds=3, seconds=2, warm_seconds=0.1)
TINY = Size(
    warm=PhaseSize(0, 1e-9, 2, PACE),
    cold=PhaseSize(0, 1e-9, 2),
    alone=PhaseSize(0, 1e-9, 2, PACE),
    profile_seconds=0.4,
)


def needs_workerd() -> None:
    """Skip, saying why, where workerd cannot run."""
    reason = tools.unavailable()
    if reason is not None:
        pytest.skip(reason)


@contextmanager
def scene_of(services, world) -> Iterator[Scene]:
    """The scene of a world, where workerd can run."""
    needs_workerd()
    with Scene.stage(world, services) as scene:
        yield scene


def make_tiny(monkeypatch) -> None:
    """Every measurement as short as it can be; the numbers mean nothing then."""
    monkeypatch.setattr(warm, "WARM_REQUESTS", 3)
    options = {"warmup": "1ms", "minTime": "1ms", "samples": 2}
    monkeypatch.setattr(stage_cases, "OPTIONS", options)
    monkeypatch.setattr(stage_cases, "_SENTINEL_TURNS", 2)
    monkeypatch.setattr(profiling, "WARM_REQUESTS", 5)
    monkeypatch.setattr(heap, "CONCURRENT", (1, 3))
    monkeypatch.setattr(heap, "READINGS", 3)
    monkeypatch.setattr(heap, "WARM_REQUESTS", 3)
    monkeypatch.setattr(conversion, "PACE", PACE)
    monkeypatch.setattr(conversion, "MIN_GROUPS", 2)
