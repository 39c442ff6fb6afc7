"""What a capacity plan takes for granted: each guess has a name, a value and a range.

None of this is published or measured here. All of it stands in the result, and each can
be replaced (``--assume idle_s=120``); what a range does to the answer is the tornado's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from bench.errors import UserError


def _guess(value: float, meaning: str, low: float | None = None) -> Any:
    """A field with its meaning, and the least that it may be (more than 0 without)."""
    return field(default=value, metadata={"meaning": meaning, "low": low})


@dataclass(frozen=True, slots=True)
class Assumed:
    """The guesses; ``meaning`` says each in words."""

    locations: float = _guess(300, "locations that take traffic", 1)
    skew: float = _guess(0.8, "Zipf exponent of the traffic of locations", 0)
    idle_s: float = _guess(600, "an isolate is evicted after so long without a request")
    life_s: float = _guess(86_400, "mean time until an isolate is ended anyway")
    backlog_ms: float = _guess(20, "waiting CPU at which another isolate starts", 0)
    most: float = _guess(64, "isolates of one location at most", 1)
    start_ms: float = _guess(5, "wall time until a new isolate can begin", 0)
    first_token_ms: float = _guess(500, "wait of a model until its first token", 0)
    token_ms: float = _guess(25, "wait of a model for each token more", 0)
    tokens: float = _guess(200, "tokens of an answer where no trace tells", 0)
    call_ms: float = _guess(10, "wait for each call that is not to a model", 0)
    base_mb: float = _guess(5, "memory of an idle isolate where no heap was read", 0)
    body_copies: float = _guess(4, "bytes held for each byte of a request's bodies", 0)
    tenants: float = _guess(1000, "tenants, each with its own keys and objects", 1)
    tenant_skew: float = _guess(1, "Zipf exponent of the traffic of tenants", 0)
    d1_write_ms: float = _guess(5, "time that a write holds the writer of a database")
    row_bytes: float = _guess(200, "bytes of a written row, those of indexes too")
    horizon_days: float = _guess(30, "days for which a database must have room")
    queue_operations: float = _guess(3, "operations of a message: write, read, delete")
    stretch: float = _guess(3, "a machine answers within so many mean service times", 1)
    busy: float = _guess(0.5, "part of its time that a machine elsewhere is used")
    together: float = _guess(80, "requests that share an instance elsewhere at most", 1)

    def replaced(self, given: Mapping[str, Any]) -> Assumed:
        """The same with some guesses replaced, by name.

        Raises UserError for an unknown name, and for a value that cannot be.
        """
        known = {each.name: each for each in fields(self)}
        values = {}
        for name, value in given.items():
            if name not in known:
                raise UserError(
                    f"{name!r} is not an assumption",
                    field="assume",
                    remedy=f"name one of {', '.join(known)}",
                )
            values[name] = _checked(name, value, known[name].metadata["low"])
        return replace(self, **values)

    def as_row(self) -> dict[str, Any]:
        """Each guess by name: its ``value`` and its ``meaning``."""
        return {
            each.name: {
                "value": getattr(self, each.name),
                "meaning": each.metadata["meaning"],
            }
            for each in fields(self)
        }


RANGES: dict[str, tuple[float, float]] = {
    "idle_s": (60, 3600),
    "life_s": (3600, 604_800),
    "backlog_ms": (5, 100),
    "locations": (30, 330),
    "skew": (0, 1.2),
}
"""How isolates and locations may be instead: a minute to an hour, an hour to a week, a
few requests to many, a region to the whole network, all alike to a few that have it
all."""

TENANTS = (100.0, 100_000.0)
"""Tenants at least and at most, for limits of a key."""


def from_text(given: tuple[str, ...]) -> dict[str, float]:
    """Assumptions by name from ``name=value`` texts.

    Raises UserError for text that is not one.
    """
    values = {}
    for text in given:
        name, equals, value = text.partition("=")
        try:
            values[name.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals:
            raise UserError(
                f"{text!r} is not an assumption",
                field="--assume",
                remedy="write it as idle_s=120",
            )
    return values


def _checked(name: str, value: Any, low: float | None) -> float:
    number = float(value) if isinstance(value, int | float) else math.nan
    fits = number > 0 if low is None else number >= low
    if isinstance(value, bool) or not (math.isfinite(number) and fits):
        least = "more than 0" if low is None else f"{low:g} or more"
        raise UserError(
            f"{name} cannot be {value!r}",
            field="assume",
            remedy=f"give a number that is {least}",
        )
    if name == "busy" and number > 1:
        raise UserError(
            f"{name} cannot be {value!r}", field="assume", remedy="give 1 or less"
        )
    return number
