"""Limits that a measured number is held against.

A local Workers runtime enforces none of them (workerd, `NullIsolateLimitEnforcer`),
so the workbench applies them by arithmetic. They are data with a source and a date,
in `limits.toml`: when Cloudflare changes one, that file changes and nothing else.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from bench.errors import BenchError, UserError

DEFAULT = "free"
_FILE = Path(__file__).with_name("limits.toml")
_CUSTOM = "custom:"
# One consumer invocation is one batch, with the queue's limit and not the request's.
_QUEUE_INVOCATIONS = frozenset({"consume"})


@dataclass(frozen=True, slots=True)
class Limit:
    """One documented value, with the page it comes from and the date of that page."""

    value: float
    unit: str
    source: str
    date: str


@dataclass(frozen=True, slots=True)
class LimitProfile:
    """A named, dated set of limits; a limit that is absent does not exist in it."""

    name: str
    title: str
    note: str
    limits: Mapping[str, Limit]

    @property
    def cpu_ms(self) -> float:
        """CPU in ms that one HTTP request may use."""
        return self.limits["cpu_ms"].value

    @property
    def queue_cpu_ms(self) -> float:
        """CPU in ms that one queue consumer invocation, a batch, may use."""
        return self.limits["queue_cpu_ms"].value

    @property
    def memory_mb(self) -> float:
        """Memory in MB of one isolate, shared by its concurrent requests."""
        return self.limits["memory_mb"].value

    def cpu_ms_for(self, invocation: str) -> float:
        """CPU in ms that one ``invocation`` may use: a batch for ``consume``."""
        queue = invocation in _QUEUE_INVOCATIONS
        return self.queue_cpu_ms if queue else self.cpu_ms


@cache
def _profiles() -> dict[str, LimitProfile]:
    data = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {name: _profile(name, table) for name, table in data.items()}


def _profile(name: str, table: dict[str, Any]) -> LimitProfile:
    try:
        limits = {
            key: Limit(
                float(entry["value"]),
                entry["unit"],
                entry["source"],
                entry["date"].isoformat(),
            )
            for key, entry in table.items()
            if isinstance(entry, dict)
        }
        return LimitProfile(name, table["title"], table["note"], limits)
    except KeyError as error:
        raise BenchError(f"{_FILE.name}: {name} lacks {error}") from error


def limit_profiles() -> dict[str, LimitProfile]:
    """Every profile of `limits.toml` by name, in the order of that file."""
    return dict(_profiles())


def limit_profile(name: str) -> LimitProfile:
    """The profile of that name, or one made from ``custom:cpu_ms=25,memory_mb=64``.

    A custom profile is paid-default with the given limits replaced; its ``cpu_ms``
    counts for queue batches too unless ``queue_cpu_ms`` is given. Raises UserError
    for an unknown name, an unknown limit, and a value that is not a positive number
    or is more CPU than Cloudflare lets a configuration ask for.
    """
    if name.startswith(_CUSTOM):
        return _custom(name)
    try:
        return _profiles()[name]
    except KeyError:
        known = ", ".join(_profiles())
        raise UserError(
            f"no limit profile is called {name!r}",
            field="limits",
            remedy=f"name one of {known}, or custom:cpu_ms=NUMBER",
        ) from None


def _custom(name: str) -> LimitProfile:
    base = _profiles()["paid-default"]
    limits = dict(base.limits)
    given = [_setting(part, name) for part in name.removeprefix(_CUSTOM).split(",")]
    for key, value in sorted(given):  # cpu_ms before queue_cpu_ms
        chosen = Limit(value, limits[key].unit, "given by the user", "")
        limits[key] = chosen
        if key == "cpu_ms":
            limits["queue_cpu_ms"] = chosen
    return replace(
        base,
        name=name,
        title="Custom limits",
        note="Limits given by the user, the others as in paid-default.",
        limits=limits,
    )


def _setting(part: str, name: str) -> tuple[str, float]:
    key, _, text = part.partition("=")
    key = key.strip()
    known = _profiles()["paid-default"].limits
    if key not in known:
        raise _refused(f"{key!r} in {name!r} is not a limit", known)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise _refused(f"{part!r} is not a positive number", known)
    highest = _profiles()["paid-max"].limits[key].value
    if key.endswith("cpu_ms") and value > highest:
        raise _refused(f"{part!r} is more than the {highest:,.0f} ms accepted", known)
    return key, value


def _refused(message: str, known: Mapping[str, Limit]) -> UserError:
    return UserError(
        message,
        field="limits",
        remedy=f"write custom:cpu_ms=25; the limits are {', '.join(known)}",
    )
