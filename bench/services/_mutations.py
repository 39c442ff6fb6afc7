"""Vectorize mutations: accepted now, visible later, in the order of their arrival."""

from __future__ import annotations

import random
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Mutation:
    """One accepted batch; ``apply`` makes it visible. ``at`` is Unix seconds."""

    id: str
    at: float
    query: int
    apply: Callable[[], None]


class Mutations:
    """Batches that wait until they are due.

    A batch is due ``delay_ms`` after its arrival and once ``queries`` queries have
    come in since; both must hold. Ids are seeded.
    """

    def __init__(self, seed: int, clock: Callable[[], float]) -> None:
        self._rng = random.Random(f"{seed}/mutations")
        self._clock = clock
        self._waiting: deque[Mutation] = deque()
        self._queries = 0
        self._last: tuple[str, float] | None = None

    def add(self, apply: Callable[[], None]) -> str:
        """Accept a batch and name it."""
        name = str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        self._waiting.append(Mutation(name, self._clock(), self._queries, apply))
        return name

    def query(self) -> None:
        """One more query has been answered."""
        self._queries += 1

    def process(self, delay_ms: float, queries: int) -> None:
        """Make visible what is due."""
        due = self._clock() - delay_ms / 1000
        while (
            self._waiting
            and self._waiting[0].at <= due
            and self._queries - self._waiting[0].query >= queries
        ):
            mutation = self._waiting.popleft()
            mutation.apply()
            self._last = mutation.id, self._clock()

    def processed(self) -> dict[str, str | None]:
        """The fields of /info that say how far processing has come."""
        name, at = self._last or (None, None)
        stamp = None if at is None else _iso(at)
        return {"processedUpToDatetime": stamp, "processedUpToMutation": name}


def _iso(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
