"""Answers of the GraphQL Analytics API about ``workersInvocationsAdaptive``.

Each group has quantiles of the CPU of its requests in microseconds (by sample values;
the documentation names no unit) and ``sum.requests``. Between two quantiles lies a
known share of the requests, so a group is read as so many requests in each gap: for
sample quantiles this has the right weight as their number grows. Quantiles of groups
cannot be merged, so each group stands for itself.

The data set is sampled: ``avg.sampleInterval`` says how thinly, where it was asked for,
and quantiles come from a reservoir of unpublished size. So a group never counts as more
than ``RESERVOIR`` requests.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bench.transfer.sources._objects import Bad, Head, objects
from bench.transfer.sources._reading import Reading, Tally

NOTE = "GraphQL, workersInvocationsAdaptive: quantiles of CPU in us, with sum.requests"

RESERVOIR = 1000
"""Requests that the quantiles of one group are worth at most, an assumption."""

_NAME = "workersInvocationsAdaptive"
_QUANTILES = {
    "cpuTimeP25": 0.25,
    "cpuTimeP50": 0.5,
    "cpuTimeP75": 0.75,
    "cpuTimeP90": 0.9,
    "cpuTimeP95": 0.95,
    "cpuTimeP99": 0.99,
    "cpuTimeP999": 0.999,
}
_US = 1e-3
_WHOLE = "success"
_STATUSES = {
    word.lower(): word
    for word in (
        *(_WHOLE, "clientDisconnected", "scriptThrewException"),
        *("exceededResources", "internalError"),
    )
}
_KINDS = "GraphQL does not tell fetch events from others: all of them count"
_STATUS = "without dimensions.status, requests that were cut short count as whole ones"
_WORTH = (
    f"quantiles come from a sample of unknown size: a group counts as at most "
    f"{RESERVOIR:,} requests"
)


def recognises(head: Head) -> bool:
    """An answer that has the name of the data set."""
    first = head.first
    mine = first is None or "data" in first or _NAME in first
    return mine and f'"{_NAME}"'.encode() in head.data


def read(data: bytes, requests: int | None) -> Reading:
    """What its groups tell."""
    tally, total, rows = Tally(len(data)), 0, 0
    spans: list[tuple[float, float, float]] = []
    left_out: dict[str, int] = {}
    notes = {_KINDS: None}
    for each in objects(data):
        if isinstance(each, Bad):
            tally.bad(each)
            continue
        for group in _groups(each.value):
            status = _status(group)
            if status not in (None, _WHOLE):
                many = _requests(group) or 1
                name = f"status {status}"
                left_out[name] = left_out.get(name, 0) + many
                rows += 1
                continue
            found = _spans(group)
            if found is None:
                why = "is a group without rising quantiles of CPU and sum.requests"
                tally.bad(Bad(each.line, why))
                continue
            rows += 1
            spans += found
            many = _requests(group) or 0
            total += many
            notes |= {_STATUS: None} if status is None else {}
            notes |= {_WORTH: None} if many > RESERVOIR else {}
    counted = tally.reading()
    return Reading(
        format="",
        names=(),
        spans=np.array(spans, dtype=np.float64).reshape(-1, 3),
        n=total,
        censored=0,
        rows=rows + counted.rows,
        bad_rows=counted.bad_rows,
        bad=counted.bad,
        lost=counted.lost,
        size=counted.size,
        left_out=dict(sorted(left_out.items())),
        notes=tuple(notes),
    )


def _groups(value: Any) -> Iterator[Mapping[str, Any]]:
    """Groups of the data set, wherever an answer has them."""
    open_values: list[Any] = [value]
    while open_values:
        one = open_values.pop()
        if isinstance(one, dict):
            found = one.get(_NAME)
            if isinstance(found, list):
                yield from (each for each in found if isinstance(each, dict))
            open_values += [part for name, part in one.items() if name != _NAME]
        elif isinstance(one, list):
            open_values += one


def _part(group: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = group.get(name)
    return part if isinstance(part, dict) else {}


def _status(group: Mapping[str, Any]) -> str | None:
    status = _part(group, "dimensions").get("status")
    if status is None:
        return None
    word = status.lower() if isinstance(status, str) else ""
    return _STATUSES.get(word, "of another kind")


def _number(value: Any) -> float | None:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and 0 <= value < 1e15 else None


def _requests(group: Mapping[str, Any]) -> int | None:
    many = _number(_part(group, "sum").get("requests"))
    return int(many) if many else None


def _spans(group: Mapping[str, Any]) -> list[tuple[float, float, float]] | None:
    """Gaps between quantiles in ms with how many requests each is worth, None where a
    group does not have them."""
    many, quantiles = _requests(group), _part(group, "quantiles")
    known = [name for name in _QUANTILES if quantiles.get(name) is not None]
    values = [_number(quantiles[name]) for name in known]
    if not many or not known or None in values:
        return None
    ends = [value * _US for value in values if value is not None]
    if ends != sorted(ends):
        return None
    every = _number(_part(group, "avg").get("sampleInterval")) or 1.0
    worth = min(many / max(every, 1.0), RESERVOIR)
    # Of equal quantiles the last one counts: nothing lies in between.
    below = dict(zip(ends, (_QUANTILES[name] for name in known), strict=True))
    below.pop(0.0, None)
    found, start, share = [], 0.0, 0.0
    for end, until in [*below.items(), (math.inf, 1.0)]:
        found.append((start, end, worth * (until - share)))
        start, share = end, until
    return found
