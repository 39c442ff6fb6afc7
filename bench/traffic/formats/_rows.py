"""The layouts of files of rows, and the loop that makes arrivals of their records."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

import orjson

from bench.errors import UserError
from bench.traffic._trace import Bad
from bench.traffic.formats._objects import FaultError, objects
from bench.traffic.formats._source import Source

T = TypeVar("T")


class Arrival(NamedTuple):
    """A request: its time in ns, and the tokens that went in and came out, if told."""

    ns: int
    context: int | None = None
    generated: int | None = None


class Remark(str):
    """A sentence of the file on itself that a reader of the results must know."""

    __slots__ = ()


Found: TypeAlias = Arrival | Bad | Remark
Record: TypeAlias = tuple[int, int, T | FaultError]
"""First and last line of a record, and what is in it, or why nothing is."""


def each(
    records: Iterable[Record[T]], arrival: Callable[[T], Arrival | Remark]
) -> Iterator[Found]:
    """What ``arrival`` makes of each record, or the rows that were lost with it.

    A record that spans lines and cannot be read may have swallowed rows, by a quote
    that is not closed. So each of its lines counts.
    """
    for first, last, record in records:
        try:
            if isinstance(record, FaultError):
                raise record
            yield arrival(record)
        except FaultError as fault:
            why = str(fault)
            for line in range(first, last + 1):
                yield Bad(line, why)


def table(source: Source, names: Sequence[str]) -> Iterator[Record[list[str]]]:
    """The cells of the columns ``names`` of each row of a CSV, in their order.

    The first line is the header. Raises UserError where it lacks one of ``names``.
    """
    too_long: set[int] = set()
    rows = csv.reader(_texts(source, too_long))
    places, width = _header(rows, source, names)
    last = rows.line_num
    while True:
        first = last + 1
        try:
            cells = next(rows, None)
            broken = False
        except csv.Error:
            cells, broken = [], True
        last = rows.line_num
        if cells is None:
            return
        if len(cells) == width and last not in too_long:
            yield first, last, [cells[place] for place in places]
        elif last in too_long:
            yield first, last, FaultError("is longer than 4 MiB")
        elif broken:
            yield first, last, FaultError("is not CSV")
        elif cells:
            yield first, last, FaultError("has not as many cells as the header")


def _texts(source: Source, too_long: set[int]) -> Iterator[str]:
    for number, line in enumerate(source.lines(), 1):
        if line is None:
            too_long.add(number)
        yield "\0\n" if line is None else line.decode("utf-8", "replace")


def _header(
    rows: Iterator[list[str]], source: Source, names: Sequence[str]
) -> tuple[list[int], int]:
    try:
        header = [cell.strip() for cell in next(rows, [])]
    except csv.Error:
        header = []
    missing = [name for name in names if name not in header]
    if missing:
        raise UserError(
            f"its first line names no column {missing[0]!r}",
            file=source.path,
            remedy="name its columns: --columns time=NAME,context=NAME,generated=NAME",
        )
    return [header.index(name) for name in names], len(header)


def json_lines(source: Source) -> Iterator[Record[dict[str, Any]]]:
    """The JSON object in each line that is not blank."""
    for number, line in enumerate(source.lines(), 1):
        if line is None:
            yield number, number, FaultError("is longer than 4 MiB")
        elif not line.isspace():
            yield number, number, _object(line)


def _object(line: bytes) -> dict[str, Any] | FaultError:
    try:
        value = orjson.loads(line)
    except ValueError:
        value = _slowly(line)
    return value if isinstance(value, dict) else FaultError("is no JSON object")


def _slowly(line: bytes) -> Any:
    # Half a surrogate pair in a logged text is no reason to lose an arrival.
    try:
        return json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def json_objects(source: Source) -> Iterator[Record[dict[str, Any]]]:
    """JSON objects one after the other, of as many lines as they have."""
    for line, value in objects(source.stream):
        yield line, line, value
