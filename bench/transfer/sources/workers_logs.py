"""Exports of Workers Logs: the dashboard, the Query Builder, the telemetry API.

Fields are ``$workers.cpuTimeMs`` and so on, nested or with the dot in their names; in
an array, one a line, or inside the answer of the API. Lines of ``console.log`` are
records too, and have no CPU time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.transfer.sources._objects import Head
from bench.transfer.sources._reading import STATELESS, Reading, Tally

NOTE = "Workers Logs, exported as JSON or lines of it: CPU of each request in whole ms"

_GROUP = "$workers"
_ANSWER = ("result", "events", "data")


def recognises(head: Head) -> bool:
    """Records with ``$workers``, at the top or inside an answer."""
    first = head.first
    if first is None:
        return f'"{_GROUP}'.encode() in head.data
    return any(_of_workers(record) is not None for record in _records(first))


def read(data: bytes, requests: int | None) -> Reading:
    """What its records tell."""
    tally = Tally(len(data))
    for each in tally.objects(data):
        for record in _records(each.value):
            fields = _of_workers(record) or {}
            tally.event(
                each.line,
                cpu_ms=fields.get("cpuTimeMs"),
                outcome=fields.get("outcome"),
                kind=fields.get("eventType"),
                model=fields.get("executionModel", STATELESS),
                worker=fields.get("scriptName"),
            )
    return tally.reading()


def _records(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The records that an object is or holds."""
    inside: Any = value
    for _ in range(len(_ANSWER)):
        names = [
            name for name in _ANSWER if isinstance(inside, dict) and name in inside
        ]
        if not names or _of_workers(inside) is not None:
            break
        inside = inside[names[0]]
    if isinstance(inside, list):
        yield from (each for each in inside if isinstance(each, dict))
    else:
        yield inside if isinstance(inside, dict) else value


def _of_workers(record: dict[str, Any]) -> dict[str, Any] | None:
    """The fields of ``$workers`` in a record, None where it has none."""
    nested = record.get(_GROUP)
    if isinstance(nested, dict):
        return nested
    start = f"{_GROUP}."
    flat = {
        name.removeprefix(start): value
        for name, value in record.items()
        if name.startswith(start)
    }
    return flat or None
