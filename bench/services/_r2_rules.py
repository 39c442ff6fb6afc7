"""Which bytes an R2 read means, whether its conditions hold (RFC 7232, RFC 7233), and
which keys a page of a listing has. As in the simulator of workers-sdk (2026-08).
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

_RANGE_HEADER = re.compile(r"bytes=(\d*)-(\d*)")


def window(asked: dict[str, Any], size: int) -> tuple[int, int] | None:
    """(offset, length) of the bytes asked for; None when it cannot be satisfied.

    ``asked`` is the request's JSON: ``range`` of offset, length or suffix, or
    ``rangeHeader`` as in HTTP, of which a multiple or unreadable one means everything.
    """
    if "rangeHeader" in asked:
        found = _RANGE_HEADER.fullmatch(asked["rangeHeader"].strip())
        if found is None or found.groups() == ("", ""):
            return 0, size
        first, last = found.groups()
        if not first:
            return _clamped({"suffix": int(last)}, size)
        length = int(last) - int(first) + 1 if last else None
        return _clamped({"offset": int(first), "length": length}, size)
    return _clamped(asked.get("range") or {}, size)


def _clamped(part: dict[str, Any], size: int) -> tuple[int, int] | None:
    if not part:
        return 0, size
    if part.get("suffix") is not None:
        suffix = int(part["suffix"])
        return (size - min(suffix, size), min(suffix, size)) if suffix > 0 else None
    offset = int(part.get("offset") or 0)
    wanted = part.get("length")
    length = size - offset if wanted is None else int(wanted)
    if not 0 <= offset <= size or length <= 0:
        return None
    return offset, min(length, size - offset)


def holds(
    condition: dict[str, Any] | None, etag: str | None, uploaded: int | None
) -> bool:
    """Whether ``condition`` allows the operation on an object, or on none (None)."""
    if not condition:
        return True
    matches = condition.get("etagMatches")
    differs = condition.get("etagDoesNotMatch")
    after, before = condition.get("uploadedAfter"), condition.get("uploadedBefore")
    if etag is None or uploaded is None:
        return matches is None and after is None
    step = 1000 if condition.get("secondsGranularity") else 1
    matched = matches is None or _includes(matches, etag)
    differed = differs is None or not _includes(differs, etag, weak=True)
    newer = after is None or int(after) // step < uploaded // step
    older = before is None or uploaded // step < int(before) // step
    # An ETag condition that holds wins over a date condition of the same side.
    newer = newer or (differs is not None and differed)
    older = older or (matches is not None and matched)
    return matched and differed and newer and older


def _includes(tags: list[dict[str, str]], etag: str, *, weak: bool = False) -> bool:
    return any(
        tag["type"] == "wildcard"
        or (tag.get("value") == etag and (weak or tag["type"] == "strong"))
        for tag in tags
    )


@dataclass(frozen=True, slots=True)
class Page:
    """Keys and delimited prefixes of a page; ``cursor`` asks for the next one."""

    keys: list[str]
    prefixes: list[str]
    cursor: str | None


def page(keys: list[str], asked: dict[str, Any], limit: int) -> Page:
    """At most ``limit`` entries of the sorted ``keys`` after the cursor of ``asked``.

    Keys that share a part up to the delimiter are one entry. The cursor is the last
    key of the page in base64. Raises ValueError for a cursor that is not.
    """
    cursor = base64.b64decode(asked.get("cursor", ""), validate=True).decode()
    after = max(asked.get("startAfter", ""), cursor)
    prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
    entries: dict[str, list[str]] = {}  # name of an entry -> keys that it stands for
    for key in keys:
        if key.startswith(prefix) and key > after:
            entries.setdefault(_entry(key, prefix, delimiter), []).append(key)
    shown = list(entries)[:limit]
    shared = [name for name in shown if _is_shared(name, prefix, delimiter)]
    last = entries[shown[-1]][-1] if len(entries) > limit else None
    return Page(
        [name for name in shown if not _is_shared(name, prefix, delimiter)],
        shared,
        None if last is None else base64.b64encode(last.encode()).decode(),
    )


def _entry(key: str, prefix: str, delimiter: str) -> str:
    """``key``, or where it has ``delimiter`` after ``prefix``, up to and with that."""
    if not _is_shared(key, prefix, delimiter):
        return key
    return key[: key.index(delimiter, len(prefix)) + len(delimiter)]


def _is_shared(name: str, prefix: str, delimiter: str) -> bool:
    return bool(delimiter) and delimiter in name[len(prefix) :]
