"""A primary database and a read replica that lags behind it.

The replica is a copy of the primary as it was after some write, so what a lagging
read sees is a state that really existed. Bookmarks are versions, zero-padded so that
they sort as text, which is how the binding compares them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.services._sqlite import Database

FIRST_PRIMARY = "first-primary"
FIRST_UNCONSTRAINED = "first-unconstrained"
_DIGITS = 16


def bookmark(version: int) -> str:
    """The bookmark of the state after write number ``version``."""
    return f"{version:0{_DIGITS}d}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The primary after write number ``version``, made at ``at`` (Unix seconds)."""

    version: int
    at: float
    database: Database


class Replicated:
    """``primary`` takes all writes; ``reader(token)`` says who answers a read.

    A write reaches the replica once it is ``lag_ms`` old and ``lag_writes`` newer
    writes have followed it; both must hold. Without a lag the replica is the primary.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.primary = Database()
        self.version = 0
        self._lag_ms, self._lag_writes = 0.0, 0
        self._snapshots: list[Snapshot] = []

    def set_lag(self, lag_ms: float, lag_writes: int) -> None:
        """Change the lag; what is written so far counts as replicated."""
        self._lag_ms, self._lag_writes = lag_ms, lag_writes
        self.replicate()

    def replicate(self) -> None:
        """Bring the replica up to date at once."""
        for snapshot in self._snapshots:
            snapshot.database.close()
        self._snapshots = []
        if self._lag_ms or self._lag_writes:
            self._keep()

    def wrote(self) -> None:
        """The primary committed a write."""
        self.version += 1
        if self._snapshots:
            self._keep()

    def reader(self, token: str | None) -> tuple[Database, int]:
        """The database that answers a read, and the version that it has.

        ``token`` is None (no session), ``first-primary``, ``first-unconstrained`` or
        a bookmark, which only a state at least as new may answer. Raises ValueError
        for anything else.
        """
        wanted = self._wanted(token)
        replica = self._replica()
        if replica is None or wanted > replica.version:
            return self.primary, self.version
        return replica.database, replica.version

    def _wanted(self, token: str | None) -> int:
        if token == FIRST_UNCONSTRAINED:
            return 0
        if token is None or token == FIRST_PRIMARY:
            return self.version + 1
        if len(token) != _DIGITS or not token.isdecimal():
            raise ValueError(f"invalid bookmark {token!r}")
        return int(token)

    def _replica(self) -> Snapshot | None:
        due = self._clock() - self._lag_ms / 1000
        while (
            len(self._snapshots) > 1
            and self._snapshots[1].at <= due
            and self.version - self._snapshots[1].version >= self._lag_writes
        ):
            self._snapshots.pop(0).database.close()
        return self._snapshots[0] if self._snapshots else None

    def _keep(self) -> None:
        copy = self.primary.copy()
        self._snapshots.append(Snapshot(self.version, self._clock(), copy))
