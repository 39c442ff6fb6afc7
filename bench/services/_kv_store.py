"""Versions of values by key, so that a read can be as stale as Workers KV's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a value; ``value`` is None where the key was deleted.

    ``metadata`` is JSON text, ``expiration`` and ``written`` are Unix seconds.
    """

    value: bytes | None
    metadata: str | None = None
    expiration: int | None = None
    written: float = -math.inf


class Store:
    """A key's versions, oldest first; versions that no read can see are dropped."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._versions: dict[str, list[Entry]] = {}

    def __iter__(self) -> Iterator[str]:
        """All keys in the order of their UTF-8 bytes, dead ones included."""
        return iter(sorted(self._versions, key=str.encode))

    def seed(self, key: str, entry: Entry) -> None:
        """Make ``entry`` the only version."""
        self._versions[key] = [entry]

    def write(self, key: str, entry: Entry, staleness_s: float) -> None:
        """Add the newest version."""
        settled = self._settled(key, staleness_s)
        versions = self._versions.get(key, [])
        self._versions[key] = [*versions[max(0, len(settled) - 1) :], entry]

    def written(self, key: str) -> float:
        """When ``key`` was last written; minus infinity when it was seeded or never."""
        versions = self._versions.get(key)
        return versions[-1].written if versions else -math.inf

    def read(self, key: str, staleness_s: float = 0.0) -> Entry | None:
        """The value as it was ``staleness_s`` ago; None when absent or expired."""
        settled = self._settled(key, staleness_s)
        if not settled or settled[-1].value is None:
            return None
        expiration = settled[-1].expiration
        expired = expiration is not None and expiration <= self._clock()
        return None if expired else settled[-1]

    def _settled(self, key: str, staleness_s: float) -> list[Entry]:
        horizon = self._clock() - staleness_s
        return [e for e in self._versions.get(key, []) if e.written <= horizon]
