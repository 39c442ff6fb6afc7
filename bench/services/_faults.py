"""Faults on demand: what can go wrong, and for which requests it does.

Whether request number n fails is a function of (seed, service, n) alone, so a failing
run can be repeated. How each fault breaks an answer is in ``_breakage``.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from bench.errors import UserError
from bench.services._service import Base, checked

Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Params(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``after`` requests pass, then each fails at ``rate``, ``count`` at most."""

    rate: Fraction = 1.0
    seed: int = 1
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    count: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Refused(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The listener is closed after ``after`` requests until faults are cleared.

    A closed listener sees no requests, so there is no rate and no count.
    """

    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    seed: int = 1


class Slow(Params, frozen=True):
    """The answer is normal but starts ``delay_ms`` late."""

    delay_ms: Annotated[float, msgspec.Meta(ge=0)] = 100.0


class TooMany(Params, frozen=True):
    """429 with a Retry-After of ``retry_after`` seconds."""

    retry_after: Annotated[int, msgspec.Meta(ge=0)] = 1


class ServerError(Params, frozen=True):
    """A 5xx ``status`` in the provider's shape."""

    status: Annotated[int, msgspec.Meta(ge=500, le=599)] = 503


class Part(Params, frozen=True):
    """The answer breaks after ``fraction`` of it."""

    fraction: Fraction = 0.5


class Malformed(Params, frozen=True):
    """Event number ``event`` (seeded choice when absent) carries broken JSON."""

    event: Annotated[int, msgspec.Meta(ge=0)] | None = None


class GiantLine(Params, frozen=True):
    """One more event whose data line has ``bytes`` bytes."""

    bytes: Annotated[int, msgspec.Meta(ge=1_000, le=64 * 2**20)] = 2**20


KINDS: dict[str, type[Any]] = {
    "refused": Refused,
    "reset": Params,
    "hang": Params,
    "slow": Slow,
    "429": TooMany,
    "5xx": ServerError,
    "overloaded": Part,
    "cut": Part,
    "split_utf8": Params,
    "malformed": Malformed,
    "giant_line": GiantLine,
}
STREAM_ONLY = frozenset({"split_utf8", "giant_line"})


def draw(seed: int, service: str, number: int) -> float:
    """A number in [0, 1) that depends on nothing but its arguments."""
    return random.Random(f"{seed}/{service}/{number}").random()


class Fault:
    """One fault of one service; ``params`` is an instance of ``KINDS[kind]``."""

    def __init__(self, service: str, kind: str, params: Any) -> None:
        self.service, self.kind, self.params = service, kind, params
        self.seen = 0
        self.fired = 0

    def decide(self) -> bool:
        """Count one request and say whether it is to fail."""
        self.seen += 1
        params = self.params
        if self.kind == "refused" or self.seen <= params.after:
            return False
        if params.count is not None and self.fired >= params.count:
            return False
        hit: bool = draw(params.seed, self.service, self.seen) < params.rate
        self.fired += hit
        return hit

    @property
    def closes(self) -> bool:
        """Whether the listener must be closed by now."""
        return self.kind == "refused" and bool(self.seen >= self.params.after)


def make(service: Base, kind: str, values: Mapping[str, Any]) -> Fault:
    """A fault for ``service``.

    Raises UserError for an unknown kind, a kind that makes no sense for the service,
    or a parameter that the kind does not have.
    """
    possible = [name for name in KINDS if _sensible(service, name)]
    if kind not in possible:
        why = "does not exist" if kind not in KINDS else "makes no sense here"
        raise UserError(
            f"fault {kind!r} {why}",
            field=service.name,
            remedy=f"choose one of {', '.join(possible)}",
        )
    params = checked(values, KINDS[kind], f"{service.name}: fault {kind}")
    return Fault(service.name, kind, params)


def _sensible(service: Base, kind: str) -> bool:
    if kind in STREAM_ONLY:
        return service.streams
    return kind != "overloaded" or service.overloads
