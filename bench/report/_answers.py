"""The main answer of a run in a few words, for a page over thousands of runs.

A finished run is never rewritten, so what its documents say is kept in `.cache/index/`
of the checkout, one small file for a folder of runs. An entry counts while time and
size of the run's manifest are what they were; deleting the file loses only time.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import orjson

from bench.errors import UserError
from bench.files import write_whole
from bench.paths import ROOT
from bench.platform import DEFAULT, limit_profile
from bench.report import _matrix
from bench.verdict import answer
from bench.verdict.claims import _text

FOLDER = ROOT / ".cache" / "index"
# Raised whenever the same documents give another answer.
VERSION = 1
Row = dict[str, Any]
# Time in ns and size of a manifest, and the answer of its run.
_Entry = tuple[int, int, str]


class _Kept(msgspec.Struct):
    version: int
    answers: dict[str, _Entry]


class Answers:
    """The answers of the runs in one folder; ``keep`` writes what was read anew."""

    def __init__(self, results: Path) -> None:
        """Of ``results``, with what an earlier page has kept."""
        self._results = results
        name = hashlib.sha256(str(results.resolve()).encode()).hexdigest()[:16]
        self._place = FOLDER / f"{name}.msgpack"
        self._known = _kept(self._place)
        self._used: dict[str, _Entry] = {}

    def of(self, folder: str) -> str:
        """The answer of the finished run in ``folder``; blank where it has none."""
        try:
            state = (self._results / folder / "manifest.json").stat()
        except OSError:  # deleted since it was listed
            return ""
        key = (state.st_mtime_ns, state.st_size)
        known = self._known.get(folder)
        if known is None or known[:2] != key:
            known = (*key, _read(self._results / folder))
        self._used[folder] = known
        return known[2]

    def keep(self) -> None:
        """Write what was used, if it changed; a cache that cannot be is only slow."""
        if self._used == self._known:
            return
        data = msgspec.msgpack.encode(_Kept(VERSION, self._used))
        with suppress(OSError, UserError):
            self._place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._place, data)


def _kept(place: Path) -> dict[str, _Entry]:
    try:
        kept = msgspec.msgpack.decode(place.read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError):
        return {}
    return kept.answers if kept.version == VERSION else {}


def _read(folder: Path) -> str:
    """The verdicts of a run, else what it says of claims, else of the path."""
    # A document that is damaged has no answer here; its report says why.
    with suppress(KeyError, TypeError, ValueError, AttributeError, UserError):
        if matrix := _document(folder / "matrix.json"):
            return _matrix.brief(matrix)
        if claims := _document(folder / "claims.json"):
            return _claims(claims)
        if staged := _document(folder / "stages.json"):
            return _staged(staged)
    return ""


def _document(path: Path) -> Row:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _claims(document: Row) -> str:
    counts = Counter({name: len(r) for name, r in _text.by_verdict(document).items()})
    return ", ".join(f"{many} {name}" for name, many in counts.items() if many)


def _staged(document: Row) -> str:
    """The warm invocation that comes nearest to its limit, and the verdict on it."""
    limits = limit_profile(str(document.get("limits") or DEFAULT))
    row = answer.nearest(document, limits, "warm")
    if row is None:
        return ""
    part = answer.percent(answer.share(row, limits))
    said = answer.said(row, limits)
    return f"{limits.name}: {row.get('invocation')} {part}, {said}"
