"""Logpush of Workers: the data set ``workers_trace_events``, one object a line.

``CPUTimeMs`` is whole milliseconds (Cloudflare docs, Logpush, 2026-07-08). Jobs made
before April 2025 lack it until they are updated. A data set does not say which events
are of Durable Objects.
"""

from __future__ import annotations

from dataclasses import replace

from bench.transfer.sources._objects import Head
from bench.transfer.sources._reading import Reading, Tally

NOTE = "Logpush, data set workers_trace_events: CPU of each request in whole ms"

_KEYS = {"CPUTimeMs", "EventTimestampMs", "EventType", "ScriptName"}
_CANNOT = "Logpush does not say which events are of Durable Objects: they count as well"


def recognises(head: Head) -> bool:
    """Objects with an outcome and names that begin with a capital."""
    first = head.first or {}
    return "Outcome" in first and not _KEYS.isdisjoint(first)


def read(data: bytes, requests: int | None) -> Reading:
    """What its events tell."""
    tally = Tally(len(data))
    for line, event in tally.objects(data):
        tally.event(
            line,
            cpu_ms=event.get("CPUTimeMs"),
            outcome=event.get("Outcome"),
            kind=event.get("EventType"),
            worker=event.get("ScriptName"),
        )
    return replace(tally.reading(), notes=(_CANNOT,))
