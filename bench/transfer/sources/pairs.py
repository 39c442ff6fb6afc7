"""A table of requests: CSV with the columns cpu_ms and outcome, and if they are there
wall_ms, execution_model and entry, whose first word is the kind of the event."""

from __future__ import annotations

import csv
import io

from bench.transfer.sources._objects import Bad, Head
from bench.transfer.sources._reading import FETCH, STATELESS, Reading, Tally

NOTE = "CSV with cpu_ms, outcome and perhaps execution_model, entry: whole ms"

_NEEDED = ("cpu_ms", "outcome")


def recognises(head: Head) -> bool:
    """A first line that has the columns."""
    first = head.data.split(b"\n", 1)[0].decode("utf-8", "replace")
    return set(_NEEDED) <= {name.strip() for name in first.split(",")}


def read(data: bytes, requests: int | None) -> Reading:
    """What its rows tell."""
    tally = Tally(len(data))
    rows = csv.reader(io.StringIO(data.decode("utf-8", "replace")))
    header: list[str] | None = None
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error:
            tally.bad(Bad(line, "is not CSV"))
            continue
        if row is None:
            return tally.reading()
        if header is None:
            header = [name.strip() for name in row]
        elif row:
            _count(tally, line, header, row)


def _count(tally: Tally, line: int, header: list[str], row: list[str]) -> None:
    if len(row) != len(header):
        tally.bad(Bad(line, f"has not {len(header)} columns"))
        return
    of = dict(zip(header, (value.strip() for value in row), strict=True))
    tally.event(
        line,
        cpu_ms=of.get("cpu_ms", ""),
        outcome=of.get("outcome"),
        kind=of.get("entry", FETCH).split(" ")[0],
        model=of.get("execution_model", STATELESS),
    )
