"""`wrangler tail --format json`, and what a Tail Worker is given.

Objects over many lines, one after another. ``cpuTime`` is in whole milliseconds, in
events since 2025-04-09 (changelog of Workers); what kind an event is shows in the
members of ``event`` (workerd's api/trace.c++).
"""

from __future__ import annotations

from typing import Any

from bench.transfer.sources._objects import Head
from bench.transfer.sources._reading import STATELESS, Reading, Tally

NOTE = "`wrangler tail --format json > FILE`: CPU of each request in whole ms"

_KEYS = {"cpuTime", "eventTimestamp", "executionModel", "scriptName"}
# The first of these that an event has says what it is.
_MEMBERS = {
    "request": "fetch",
    "cron": "scheduled",
    "queue": "queue",
    "rpcMethod": "rpc",
    "mailFrom": "email",
    "consumedEvents": "tail",
    "getWebSocketEvent": "websocket",
    "scheduledTime": "alarm",
}


def recognises(head: Head) -> bool:
    """Objects with an outcome and names in lower case."""
    first = head.first or {}
    return "outcome" in first and not _KEYS.isdisjoint(first)


def read(data: bytes, requests: int | None) -> Reading:
    """What its events tell."""
    tally = Tally(len(data))
    for line, event in tally.objects(data):
        tally.event(
            line,
            cpu_ms=event.get("cpuTime"),
            outcome=event.get("outcome"),
            kind=_kind(event.get("event")),
            model=event.get("executionModel", STATELESS),
            worker=event.get("scriptName"),
        )
    return tally.reading()


def _kind(event: Any) -> str | None:
    members = event if isinstance(event, dict) else {}
    return next((kind for key, kind in _MEMBERS.items() if key in members), None)
