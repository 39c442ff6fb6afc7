"""Tables beside the stages, as text cells: a terminal, a page and a notebook show the
same ones, each in its own way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

from bench.figures._axes import factor
from bench.figures._common import invocations_of, number, phases_of, runtimes_of, spoken
from bench.report import _origins, _shape
from bench.verdict.answer import is_locked, measured
from bench.verdict.article import pivoted

Row = dict[str, Any]

_WARMING = (1, 2, 3, 5, 10)
_INSTRUMENTS = ("schedstat", "bench", "trace")
_PROFILE = (
    "The profile is a third opinion: V8's sampling profiler watched other warm "
    "requests and slowed them."
)
_NO_CLIENT = "It does not write the answer to a client, chunk by chunk."
WARN = "\N{BLACK UP-POINTING TRIANGLE}"
# What a number begins with, a missing one too.
_NUMBER = re.compile(r"[\d\N{MINUS SIGN}\N{EN DASH}+-]|$")
_SENTENCE = 40  # letters from which a cell is read and not looked up


class Toned(str):
    """A cell that a page colours by its ``tone``, a class of the style sheet and never
    a word of a document; elsewhere it is its text alone."""

    tone: str

    def __new__(cls, text: str, tone: str) -> Self:
        made = super().__new__(cls, text)
        made.tone = tone
        return made


class Table(NamedTuple):
    """Column names, rows of as many cells, and sentences to stand below.

    ``origins`` say for each row what it was derived from: ids of evidence, or patterns
    of such ids (`bench.verdict.raw`). A page links them; a terminal leaves them out.
    """

    head: list[str]
    rows: list[list[str]]
    notes: list[str]
    origins: Sequence[Sequence[str]] = ()

    @property
    def kinds(self) -> list[str]:
        """What each column holds: ``number``, ``word`` or ``sentence``."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.head)
        return [_kind(column) for column in columns]


def _kind(column: Sequence[str]) -> str:
    if all(_NUMBER.match(cell) for cell in column):
        return "number"
    return "sentence" if max(map(len, column), default=0) > _SENTENCE else "word"


def profile_note(whole: Row) -> str:
    """What to think of the profile of an invocation, and what it holds besides."""
    rest = whole.get("profile_rest") or {}
    parts = [f"{name} {_shape.ms(ms)} ms" for name, ms in rest.items()]
    if not parts:
        return _PROFILE
    return f"{_PROFILE} Besides the stages it saw {', '.join(parts)}."


def unlocked(document: Row) -> list[str]:
    """Runtimes that know no lock: their CPU is told apart in another way."""
    rows = measured(document)
    names = (row.get("runtime") for row in rows if not is_locked(row))
    return list(dict.fromkeys(map(spoken, names)))


def _with_ends(row: Row | None, key: str = "cpu_ms") -> str:
    """A number with its interval, which are read together."""
    if row is None or number(row.get(key)) is None:
        return _shape.MISSING
    return f"{_shape.ms(row[key])}{ends(row)}"


def ends(row: Row, low: str = "low", high: str = "high") -> str:
    """`` [low, high]`` in ms, or nothing where an end is unknown."""
    if number(row.get(low)) is None or number(row.get(high)) is None:
        return ""
    return f" [{_shape.ms(row[low])}, {_shape.ms(row[high])}]"


def instruments(document: Row) -> Table:
    """What each instrument says of each invocation, in ms less the floor."""
    found = document.get("instruments") or []
    known = list(dict.fromkeys(str(row.get("instrument")) for row in found))
    names = [name for name in _INSTRUMENTS if name in known]
    names += [name for name in known if name not in names]
    by: dict[str, dict[str, Row]] = {}
    for row in in_order(document, found):
        by.setdefault(_place(row), {})[str(row.get("instrument"))] = row
    rows = [
        [place, *(_with_ends(readings.get(name)) for name in names)]
        for place, readings in by.items()
    ]
    doubts = [
        f"{WARN} {_place(row)}: {row['doubt']}" for row in found if row.get("doubt")
    ]
    # The trace is meant to lie below: only the benchmark's difference needs a word.
    apart = [
        f"{_place(row)}: {row['differs']}. {_NO_CLIENT}"
        for row in found
        if row.get("differs") and not row.get("doubt") and row["instrument"] == "bench"
    ]
    said = "No instrument contradicts another." if rows and not doubts else ""
    notes = [*doubts, *apart, said]
    first = [next(iter(readings.values())) for readings in by.values()]
    return Table(
        ["invocation", *names],
        rows,
        [note for note in notes if note],
        [_origins.instruments(document, row) for row in first],
    )


def warming(document: Row) -> Table:
    """CPU in ms of some of the first requests, beside the warm level."""
    rows: dict[tuple[str, str], dict[int, Row]] = {}
    found = document.get("warming") or []
    for row in in_order(document, found):
        request = number(row.get("request"))
        if request is not None and number(row.get("cpu_ms")) is not None:
            key = str(row.get("runtime")), str(row.get("invocation"))
            rows.setdefault(key, {})[int(request)] = row
    seen = {request for requests in rows.values() for request in requests}
    shown = [request for request in _WARMING if request in seen]
    levels = {
        (str(row.get("runtime")), str(row.get("invocation"))): row.get("whole_cpu_ms")
        for row in document.get("invocations") or []
        if row.get("phase") == "warm"
    }
    cells = [
        [
            f"{invocation}, {spoken(runtime)}",
            *(_shape.ms(requests.get(n, {}).get("cpu_ms")) for n in shown),
            *_level(requests, levels.get((runtime, invocation))),
            _shape.text(next(iter(requests.values())).get("n")),
        ]
        for (runtime, invocation), requests in rows.items()
    ]
    head = ["request", *map(str, shown), "warm", "first / warm", "n"]
    first = [next(iter(requests.values())) for requests in rows.values()]
    return Table(head, cells, [], list(map(_origins.warming, first)))


def _level(requests: dict[int, Row], warm: Any) -> tuple[str, str]:
    level, first = number(warm), number(requests.get(1, {}).get("cpu_ms"))
    if not level or first is None:
        return _shape.ms(level), _shape.MISSING
    return _shape.ms(level), factor(first / level)


def article(document: Row, phases: Sequence[str] | None = None) -> Table:
    """The article's table beside ours, in ms of compute; ``phases`` limits ours.

    From the ``article`` rows of the document, which `bench.verdict.article` makes.
    """
    found = [
        row
        for row in document.get("article") or []
        if phases is None or row["phase"] in phases
    ]
    kinds = [
        (runtime, phase)
        for phase in phases_of(row["phase"] for row in found)
        for runtime in runtimes_of(document, (row["runtime"] for row in found))
    ]
    table = pivoted(found)
    kinds = [kind for kind in kinds if any(kind in row["by"] for row in table)]
    rows = [
        [
            str(row["operation"]),
            _shape.MISSING if row["article_ms"] is None else f"{row['article_ms']:g}",
            *(_with_ends(row["by"].get(kind)) for kind in kinds),
        ]
        for row in table
    ]
    head = [f"{spoken(runtime)} {phase}" for runtime, phase in kinds]
    origins = [_origins.article(document, row["by"].values()) for row in table]
    return Table(["operation", "article", *head], rows, [], origins)


def in_order(document: Row, rows: Iterable[Row]) -> list[Row]:
    """Workers' runtimes first, warm before cold, invocations in path order."""
    found = list(rows)
    runtimes = runtimes_of(document, (row.get("runtime") for row in found))
    phases = phases_of(str(row.get("phase")) for row in found)
    names = invocations_of(document, (str(row.get("invocation")) for row in found))
    return sorted(
        found,
        key=lambda row: (
            runtimes.index(str(row.get("runtime"))),
            phases.index(str(row.get("phase"))),
            names.index(str(row.get("invocation"))),
        ),
    )


def _place(row: Row) -> str:
    return f"{row.get('invocation')} {row.get('phase')}, {spoken(row.get('runtime'))}"
