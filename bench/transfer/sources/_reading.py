"""What a log tells about CPU per request, and which of its rows count.

A row counts where it is a whole request like those that are replayed here: a ``fetch``
event of a stateless Worker with the outcome ``ok``. One with ``exceededCpu`` counts as
censored: it reports exactly the limit, and would have taken at least that. A request
that was ended otherwise (``canceled``, ``responseStreamDisconnected``, ``exception``
and so on) is not a whole one: its CPU is that of a part nobody knows, so it is left
out, and counted. So are Durable Objects, queues, crons and other events.

CPU per event is in whole milliseconds, rounded down (``cpuTime / kj::MILLISECONDS`` in
workerd's api/trace.c++): k stands for anything from k to k + 1.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.errors import UserError
from bench.transfer.sources._objects import Bad, Object, objects

Array = NDArray[np.float64]

# Of workerd's outcome.capnp: the only words of a log that are ever repeated.
OUTCOMES = (
    *("ok", "exception", "exceededCpu", "killSwitch", "daemonDown", "scriptNotFound"),
    *("canceled", "exceededMemory", "loadShed", "responseStreamDisconnected"),
    *("internalError", "exceededWallTime", "aborted", "unknown"),
)
WHOLE, KILLED = "ok", "exceededCpu"
FETCH, STATELESS = "fetch", "stateless"
_KINDS = {
    "fetch": FETCH,
    "scheduled": "scheduled",
    "cron": "scheduled",
    "alarm": "alarm",
    "queue": "queue",
    "email": "email",
    "rpc": "rpc",
    "worker_rpc": "rpc",
    "websocket": "websocket",
    "hibernatable_web_socket": "websocket",
    "tail": "tail",
}
_MODELS = {"stateless": STATELESS, "durableobject": "durableObject"}
_OUTCOMES = {word.lower(): word for word in OUTCOMES}
_OTHER = "of another kind"
NO_CPU = "without a CPU time"

TOLERATED = 0.01
"""Part of a log that may be unreadable, of its rows and of its bytes."""
KEPT = 20
"""Bad rows that are listed; all are counted."""
_SHOWN = 3
_LONGEST_MS = 10**9
# Whole milliseconds up to 50, and above it steps of 2 %, finer than any spread.
_STEP, _FINEST = 1.02, 50


class Profile(NamedTuple):
    """CPU in ms that a profile has seen in all, in how many samples."""

    total_ms: float
    samples: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What files of one ``format`` tell.

    ``spans`` is (m, 3): CPU of a request from ... to ... in ms, and how many of them;
    the end is infinite where it is not known. ``n`` requests count, ``censored`` of
    which were ended by the limit. ``rows`` are all that there were, ``bad_rows`` those
    that could not be read, of which ``bad`` lists the first with the name of the file.
    ``workers`` says of how many different ones they are, ``notes`` what this kind of
    log cannot tell.
    """

    format: str
    names: tuple[str, ...]
    spans: Array
    n: int
    censored: int
    rows: int
    bad_rows: int
    bad: tuple[tuple[str, Bad], ...]
    lost: int
    size: int
    left_out: Mapping[str, int]
    workers: int = 1
    notes: tuple[str, ...] = ()
    profile: Profile | None = None

    @property
    def source(self) -> str:
        """Its kind and the names of its files."""
        return f"{self.format}: {', '.join(self.names)}"


class Tally:
    """Counts events one by one, and forgets all of them but the numbers."""

    def __init__(self, size: int) -> None:
        """``size`` is that of the file in bytes."""
        self._size = size
        self._whole: Counter[int] = Counter()
        self._killed: Counter[int] = Counter()
        self._left_out: Counter[str] = Counter()
        self._workers: set[int] = set()
        self._bad: list[Bad] = []
        self._bad_rows = self._lost = self._rows = 0

    def objects(self, data: bytes) -> Iterator[Object]:
        """The objects of a log; what is none of them is counted as bad."""
        for each in objects(data):
            if isinstance(each, Bad):
                self.bad(each)
            else:
                yield each

    def bad(self, bad: Bad) -> None:
        """Count what could not be read. What a truncated end lost is nobody's fault."""
        self._rows += 1
        self._bad_rows += not bad.truncated
        self._lost += 0 if bad.truncated else bad.size
        self._left_out[bad.why] += bad.truncated
        if len(self._bad) < KEPT:
            self._bad.append(bad)

    def event(
        self,
        line: int,
        *,
        cpu_ms: Any,
        outcome: Any,
        kind: Any = FETCH,
        model: Any = STATELESS,
        worker: Any = None,
    ) -> None:
        """Count one event of the line ``line``, whatever the log has in its fields."""
        missing = NO_CPU if cpu_ms is None else None
        why = missing or _why_not(outcome, kind, model)
        if why is not None:
            self._rows += 1
            self._left_out[why] += 1
            return
        number = whole(cpu_ms)
        if number is None:
            self.bad(Bad(line, "its CPU time is not in whole milliseconds"))
            return
        self._rows += 1
        if isinstance(worker, str):
            self._workers.add(hash(worker))
        killed = _word(outcome, _OUTCOMES) == KILLED
        (self._killed if killed else self._whole)[number] += 1

    def reading(self) -> Reading:
        """All that was counted; its format and name are still to be set."""
        whole_ms = Counter[tuple[float, float]]()
        for number, many in self._whole.items():
            whole_ms[_span(number)] += many
        spans = [(low, high, many) for (low, high), many in sorted(whole_ms.items())]
        spans += [(low, math.inf, many) for low, many in sorted(self._killed.items())]
        censored = self._killed.total()
        return Reading(
            format="",
            names=(),
            spans=np.array(spans, dtype=np.float64).reshape(-1, 3),
            n=self._whole.total() + censored,
            censored=censored,
            rows=self._rows,
            bad_rows=self._bad_rows,
            bad=tuple(("", bad) for bad in self._bad),
            lost=self._lost,
            size=self._size,
            left_out=dict(sorted((+self._left_out).items())),
            workers=len(self._workers),
        )


def whole(value: Any) -> int | None:
    """``value`` as whole milliseconds, None where it is none."""
    if isinstance(value, str):
        short = value.isascii() and value.isdecimal() and len(value) <= 9
        return int(value) if short else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= _LONGEST_MS or value != int(value):
        return None
    return int(value)


def _why_not(outcome: Any, kind: Any, model: Any) -> str | None:
    """Why an event does not count, in words of this file; None where it does."""
    of_model = _word(model, _MODELS)
    if of_model != STATELESS:
        return f"model {of_model}"
    of_kind = _word(kind, _KINDS)
    if of_kind != FETCH:
        return f"event {of_kind}"
    of_outcome = _word(outcome, _OUTCOMES)
    return None if of_outcome in (WHOLE, KILLED) else f"outcome {of_outcome}"


def _word(value: Any, known: Mapping[str, str]) -> str:
    return known.get(value.lower(), _OTHER) if isinstance(value, str) else _OTHER


def _edges() -> list[int]:
    edges = list(range(_FINEST))
    while edges[-1] <= _LONGEST_MS:
        edges.append(math.ceil(edges[-1] * _STEP))
    return edges


_EDGES = _edges()


def _span(number: int) -> tuple[float, float]:
    place = bisect_right(_EDGES, number)
    return float(_EDGES[place - 1]), float(_EDGES[place])


def checked(found: Reading, format: str, path: Path) -> Reading:
    """``found`` with its format and name. Raises UserError where more than 1 % of it
    could not be read, and where it holds no event at all."""
    few = found.bad_rows <= TOLERATED * found.rows
    if not (few and found.lost <= TOLERATED * found.size):
        first = [bad for _, bad in found.bad if not bad.truncated][:_SHOWN]
        lines = "; ".join(f"line {bad.line} {bad.why}" for bad in first)
        more = "; ..." if found.bad_rows > _SHOWN else ""
        raise UserError(
            f"{found.bad_rows:,} of {found.rows:,} rows, {found.lost:,} of "
            f"{found.size:,} bytes, cannot be read: {lines}{more}",
            file=path,
            remedy="have only one program write the file, and write it anew; up to "
            "1 % may be unreadable",
        )
    if not found.rows:
        raise UserError(
            "holds nothing that can be read",
            file=path,
            remedy="check that the log was written",
        )
    # A name may hold bytes that are no text.
    name = path.name.encode("utf-8", "replace").decode()
    bad = tuple((name, each) for _, each in found.bad)
    return replace(found, format=format, names=(name,), bad=bad)


def together(found: Sequence[Reading]) -> Reading:
    """Readings of one format as one."""
    left_out: Counter[str] = Counter()
    for each in found:
        left_out.update(each.left_out)
    first, profiles = found[0], [each.profile for each in found if each.profile]
    return Reading(
        format=first.format,
        names=tuple(name for each in found for name in each.names),
        spans=np.concatenate([each.spans for each in found]),
        n=sum(each.n for each in found),
        censored=sum(each.censored for each in found),
        rows=sum(each.rows for each in found),
        bad_rows=sum(each.bad_rows for each in found),
        bad=tuple(bad for each in found for bad in each.bad)[:KEPT],
        lost=sum(each.lost for each in found),
        size=sum(each.size for each in found),
        left_out=dict(sorted(left_out.items())),
        workers=max(each.workers for each in found),
        notes=tuple(dict.fromkeys(note for each in found for note in each.notes)),
        profile=Profile(
            sum(each.total_ms for each in profiles),
            sum(each.samples for each in profiles),
        )
        if profiles
        else None,
    )
