"""Real vector engines outside of Workers, for what Vectorize cannot say.

The article's filter is a tenant AND (policy OR regulation) AND a date. Each public
module of this folder is an engine that can: the real one, in a process that is started
and ended with the caller's block, asked over HTTP on loopback in the form that a Worker
would use. A module defines

    NOTE            one line: what runs, and how it is asked
    HOST            the host that a Worker's ``fetch`` names
    version()       name and version of the engine
    unavailable()   why it cannot run here, in one line, or None
    start(folder)   context manager of a `_client.Running`: ``url``, ``seed``, ``query``
    request(vector, filter, k)  path and JSON body of a query
    matches(reply)  the `Match` list in the JSON of an answer
    Service         its side inside the process, a `_service.Engine`

    for name, engine in load().items():
        if engine.unavailable() is None:
            with engine.start(folder) as running:
                running.seed(vectors, payloads)
                running.query(vector, Filter("tenant-00", KINDS, AFTER), 8)
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

from bench.registry import load as _load

REQUIRED = (
    *("NOTE", "HOST", "Service", "version", "unavailable", "start"),
    *("request", "matches"),
)


@dataclass(frozen=True, slots=True)
class Filter:
    """``tenantId`` is ``tenant`` AND ``documentType`` is one of ``kinds`` (at least
    one) AND ``effectiveDate`` is later than ``after`` (``YYYY-MM-DD``)."""

    tenant: str
    kinds: tuple[str, ...]
    after: str


@dataclass(frozen=True, slots=True)
class Match:
    """A found vector: its place in the order of seeding, its cosine, its payload."""

    id: int
    score: float
    payload: dict[str, Any]


def load() -> dict[str, ModuleType]:
    """The engines by name. Raises BenchError for a file that is none."""
    return _load("bench.engines", REQUIRED)
