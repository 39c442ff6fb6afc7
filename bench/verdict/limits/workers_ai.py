"""Workers AI: requests a minute of an account, by kind of model."""

from __future__ import annotations

from collections.abc import Iterator

from bench.platform.tables import strict
from bench.verdict.limits import Bound, Ground, per_second


def bounds(ground: Ground) -> Iterator[Bound]:
    """Calls to Workers AI; the path's models of other providers do not count.

    Without models in a call's name, the smallest limit is the one that is sure.
    """
    calls = ground.calls("ai")
    if calls is None:
        yield from per_second(
            ground, strict("workers_ai.text_generation"), None, "requests"
        )
        return
    for kind in ("text_generation", "embeddings"):
        yield from per_second(
            ground,
            strict(f"workers_ai.{kind}"),
            calls,
            "requests",
            minute=True,
            why=", if all are of this kind",
        )
