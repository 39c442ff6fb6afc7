"""From a file to a trace: which format it is, its rows, and how many are bad."""

from __future__ import annotations

import math
import os
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bench import registry
from bench.errors import UserError
from bench.traffic._trace import LONGEST_S, Array, Bad, Trace
from bench.traffic.formats._objects import CUT
from bench.traffic.formats._rows import Arrival, Found
from bench.traffic.formats._source import Source, opened
from bench.traffic.formats._values import DATED_NS

TOLERATED = 0.01
"""Share of rows that may be bad."""
HOPELESS = 1_000
"""Bad rows after which reading ends where they outnumber the good ones."""
_KEPT, _SHOWN = 20, 5
_COLUMNS = "columns"


def formats() -> dict[str, ModuleType]:
    """The formats by name. Raises BenchError for a file that is none."""
    return registry.load("bench.traffic.formats", ("NOTE", "knows", "rows"))


def read(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Trace:
    """The trace in the file ``path``.

    Its format is seen from its head, unless ``format`` names one, or ``columns`` maps
    ``time`` and perhaps ``context`` and ``generated`` to columns of a CSV or keys of an
    NDJSON (see `bench.traffic.formats.columns`).

    Raises UserError, naming the file, for what cannot be read or is in no known format,
    more than 1 % of bad rows, fewer than two moments, or more than a year of them.
    """
    place = Path(path)
    with opened(place, columns) as source:
        name = _chosen(source, format)
        gathered = _gathered(formats()[name].rows(source))
    _check_bad(gathered, place)
    return _trace(gathered, place, name, source.sha256)


def _chosen(source: Source, name: str | None) -> str:
    known = formats()
    if name is not None and name not in known:
        raise UserError(
            f"{name!r} is not a format of traces",
            field="--format",
            remedy=f"name one of {', '.join(known)}",
        )
    mapped = source.columns is not None
    if name is not None and mapped != (name == _COLUMNS):
        raise UserError(
            f"format {name} goes {'without' if mapped else 'with'} named columns",
            field="--format",
            remedy=f"give --columns time=NAME with --format {_COLUMNS} only",
        )
    if name or mapped:
        return name or _COLUMNS
    for candidate, module in known.items():
        if module.knows(source.head):
            return candidate
    raise UserError(
        "is in none of the known formats: "
        + ", ".join(candidate for candidate in known if candidate != _COLUMNS),
        file=source.path,
        remedy="name its format with --format, or the columns of a CSV or NDJSON: "
        "--columns time=NAME,context=NAME,generated=NAME",
    )


@dataclass(slots=True)
class _Gathered:
    """Arrivals in ns and their tokens (NaN where there are none), and bad rows."""

    ns: array[int] = field(default_factory=lambda: array("q"))
    context: array[float] = field(default_factory=lambda: array("d"))
    generated: array[float] = field(default_factory=lambda: array("d"))
    bad_rows: int = 0
    bad: list[Bad] = field(default_factory=list)
    cut: bool = False
    hopeless: bool = False
    remarks: dict[str, None] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return len(self.ns) + self.bad_rows


def _gathered(found: Iterable[Found]) -> _Gathered:
    into = _Gathered()
    ns, context, generated = into.ns, into.context, into.generated
    for item in found:
        if isinstance(item, Arrival):
            ns.append(item.ns)
            context.append(math.nan if item.context is None else item.context)
            generated.append(math.nan if item.generated is None else item.generated)
        elif isinstance(item, Bad):
            into.bad_rows += 1
            into.cut = item.why == CUT
            if len(into.bad) < _KEPT:
                into.bad.append(item)
            if into.bad_rows >= HOPELESS and into.bad_rows > len(ns):
                into.hopeless = True
                break
        else:
            into.remarks[item] = None
    return into


def _check_bad(found: _Gathered, place: Path) -> None:
    """Raise UserError for too many bad rows.

    A last object that is cut off is how a recording ends that was interrupted; it is
    counted and shown, but stops nothing.
    """
    if found.bad_rows - found.cut <= TOLERATED * found.rows:
        return
    lines = ", ".join(f"line {bad.line} ({bad.why})" for bad in found.bad[:_SHOWN])
    more = ", ..." if found.bad_rows > _SHOWN else ""
    of = f"the first {found.rows:,}" if found.hopeless else f"{found.rows:,}"
    raise UserError(
        f"{found.bad_rows:,} of {of} rows cannot be read, "
        f"more than {TOLERATED * 100:g} %: {lines}{more}",
        file=place,
        remedy="correct or remove these rows, or name the format with --format or "
        "the columns with --columns",
    )


def _trace(found: _Gathered, place: Path, name: str, sha256: str) -> Trace:
    remedy = "name a longer recording, or give a rate with --rate"
    if len(found.ns) < 2:
        raise UserError(
            f"has {len(found.ns)} arrivals; a rate needs two", file=place, remedy=remedy
        )
    ns = np.frombuffer(found.ns, dtype=np.int64)
    order = np.argsort(ns, kind="stable")
    ns = ns[order]
    first = int(ns[0])
    at_s = (ns - first) / 1e9
    if not at_s[-1] > 0:
        raise UserError(
            f"all {len(ns):,} arrivals have the same time", file=place, remedy=remedy
        )
    if at_s[-1] > LONGEST_S:
        raise UserError(
            f"spans more than {LONGEST_S // 86_400} days",
            file=place,
            remedy="cut it, or check that all its times are of one unit and clock",
        )
    dated = first >= DATED_NS
    return Trace(
        name=place.name,
        format=name,
        sha256=sha256,
        at_s=at_s,
        start=datetime.fromtimestamp(first / 1e9, UTC) if dated else None,
        context=_tokens(found.context, order),
        generated=_tokens(found.generated, order),
        rows=found.rows,
        bad_rows=found.bad_rows,
        bad=tuple(found.bad),
        notes=tuple(found.remarks),
    )


def _tokens(counts: array[float], order: Any) -> Array | None:
    tokens = np.frombuffer(counts, dtype=np.float64)
    return None if math.isnan(tokens[0]) else tokens[order]
