"""The tables of ``bench parsers``: a terminal, a page and a notebook show the same."""

from __future__ import annotations

from typing import Any

from bench.figures._axes import Estimate
from bench.figures._common import number, spoken
from bench.figures._contest import (
    Row,
    cost,
    estimate,
    listed,
    main_fixture,
    ratio,
)
from bench.report import _shape
from bench.report._compared import (
    MICRO,
    by_runtime,
    controls,
    count,
    failures,
    kilobytes,
    times,
    told,
    with_ends,
)
from bench.report._evidence import Table
from bench.verdict.claims._ground import named
from bench.verdict.raw import pattern

# What bodies that differ in size alone are called, and how the plain ones end.
_SIZED = "transcript of "
_FIRST = "first request of an isolate"
_FLAWS = {
    "accepts_wrong": "takes bad",
    "rejects_wrong": "refuses good",
    "wrong_values": "wrong values",
    "crashed": "crashes",
}


def modes(document: Row) -> list[str]:
    """The modes in which the main body was asked for."""
    return list(dict.fromkeys(str(row.get("mode")) for row in _main(document)))


def _main(document: Row) -> list[Row]:
    main = main_fixture(document)
    return [row for row in listed(document, "rows") if row.get("fixture") == main]


def speed(document: Row, mode: str) -> Table:
    """Every parser on the main body in one mode: CPU, ratios, memory."""
    mine = [row for row in _main(document) if row.get("mode") == mode]
    rows = [
        [
            str(row.get("parser")),
            spoken(row.get("runtime")),
            with_ends(cost(row)),
            times(ratio(row)),
            times(_to_fastest(row)).partition(" ")[0],
            kilobytes(row.get("peak_bytes")),
            count(row.get("n")),
        ]
        for row in by_runtime(mine)
    ]
    head = ["parser", "runtime", f"CPU ({MICRO})", "to json", "to best"]
    notes = failures(mine, "parser")
    origins = [_compared_to(row) for row in by_runtime(mine)]
    return Table([*head, "peak (KB)", "n"], rows, notes, origins)


def _origin(row: Row, **other: Any) -> str:
    """The samples of a row, with ``other`` parts of their id in place of its own."""
    own = {
        "runtime": row.get("runtime"),
        "phase": "warm",
        "invocation": "parse",
        "stage": row.get("mode"),
        "variant": row.get("parser"),
        "fixture": row.get("fixture"),
    }
    return pattern(**(own | other))


def _compared_to(row: Row) -> list[str]:
    """A parser's samples, and those of the two that its ratios are to."""
    best = row.get("fastest") or row.get("parser")
    return [
        _origin(row),
        _origin(row, runtime="cpython", variant="json"),
        _origin(row, variant=best),
    ]


def _to_fastest(row: Row) -> Estimate | None:
    found = estimate(row, "vs_fastest", "vs_fastest_low", "vs_fastest_high")
    return None if row.get("error") else found


def bodies(document: Row) -> Table:
    """Each question about each body: CPython's json, and who is fastest where."""
    rows = []
    for table in listed(document, "tables"):
        mine = [row for row in listed(document, "rows") if _is_asked(row, table)]
        home = next((row for row in mine if row.get("parser") == "json"), {})
        rows.append(
            [
                f"{table.get('fixture')}, {table.get('mode')}",
                kilobytes(table.get("bytes")),
                with_ends(cost(home)).partition(" ")[0],
                _best(mine, "workerd"),
                _best(mine, "cpython"),
                count(table.get("n")),
            ]
        )
    head = ["body and mode", "KB", f"json ({MICRO})", "best in workerd"]
    main = main_fixture(document)
    others = [r for r in listed(document, "rows") if r.get("fixture") != main]
    notes = failures(others, "parser", "fixture", "mode")
    notes += controls(document, ("mode", "fixture"))
    asked = listed(document, "tables")
    origins = [[_all(table)] for table in asked]
    return Table([*head, "best in CPython", "n"], rows, notes, origins)


def _all(table: Row) -> str:
    """The samples of every parser on a body in a mode."""
    here = {"stage": table.get("mode"), "fixture": table.get("fixture")}
    return pattern(phase="warm", invocation="parse", **here)


def _is_asked(row: Row, table: Row) -> bool:
    return all(row.get(key) == table.get(key) for key in ("fixture", "mode"))


def _best(rows: list[Row], runtime: str) -> str:
    """The fastest of a runtime with its ratio to json."""
    mine = [row for row in rows if row.get("runtime") == runtime and cost(row)]
    if not mine:
        return _shape.MISSING
    best = by_runtime(mine)[0]
    found = ratio(best)
    to = "" if found is None else f" {times(found).partition(' ')[0]}"
    return f"{best.get('parser')}{to}"


def switches(document: Row) -> Table:
    """From which size another parser than the runtime's own saves what matters."""
    found = _distinct(listed(document, "switches"))
    rows = [
        [
            f"{row.get('from')} to {row.get('to')}, {row.get('mode')}"
            f"{', pretty' if 'pretty' in str(row.get('family')) else ''}",
            f"{_shape.ms(row.get('saves_ms'))} ms",
            _sizes(row),
            str(row.get("verdict")),
        ]
        for row in found
    ]
    origins = [[_sized(row, row.get(end)) for end in ("from", "to")] for row in found]
    return Table(["switch", "saves", "95 % (KB)", "verdict"], rows, [], origins)


def _sized(row: Row, parser: Any) -> str:
    """The samples of a parser on the bodies that a line was fitted through."""
    ending = "pretty" if "pretty" in str(row.get("family")) else "B"
    return pattern(
        {"fixture": f"{_SIZED}*{ending}"},
        runtime=row.get("runtime"),
        phase="warm",
        invocation="parse",
        stage=row.get("mode"),
        variant=parser,
    )


def _distinct(rows: list[Row]) -> list[Row]:
    """Rows less those that say the same again, as where a tenth of the limit is a
    millisecond."""
    keys = ("runtime", "mode", "family", "from", "to", "saves_ms")
    return list(
        {tuple(str(row.get(key)) for key in keys): row for row in rows}.values()
    )


def _sizes(row: Row) -> str:
    low, high = number(row.get("low")), number(row.get("high"))
    if low is None or high is None:
        return _shape.MISSING
    return f"{kilobytes(low)} to {kilobytes(high)}"


def costs(document: Row) -> Table:
    """What a byte and what an empty body cost each parser, as fitted."""
    rows = [
        [
            f"{row.get('parser')}, {row.get('mode')}"
            f"{', pretty' if 'pretty' in str(row.get('family')) else ''}",
            spoken(row.get("runtime")),
            with_ends(estimate(row, "ns_per_byte", "low", "high")),
            with_ends(estimate(row, "fixed_us", "fixed_low", "fixed_high")),
            f"{kilobytes(row.get('smallest_bytes'))} to "
            f"{kilobytes(row.get('largest_bytes'))}",
            count(row.get("n")),
        ]
        for row in listed(document, "costs")
    ]
    head = ["parser", "runtime", "ns a byte", f"fixed ({MICRO})", "fitted to (KB)"]
    found = listed(document, "costs")
    origins = [[_sized(row, row.get("parser"))] for row in found]
    return Table([*head, "n"], rows, [], origins)


def cold(document: Row) -> Table:
    """The first parse of a fresh isolate, which compiles and loads what it needs."""
    rows = [
        [
            f"{row.get('parser')}, {row.get('mode')} of {row.get('fixture')}",
            kilobytes(row.get("bytes")),
            with_ends(cost(row)),
            count(row.get("n")),
        ]
        for row in listed(document, "cold")
    ]
    head = ["parser", "KB", f"CPU ({MICRO})", "n"]
    found = listed(document, "cold")
    notes = failures(found, "parser", "mode")
    return Table(head, rows, notes, list(map(_first, found)))


def _first(row: Row) -> list[str]:
    """The first parses of fresh isolates, and the first requests without any."""
    name = row.get("parser")
    return [
        _origin(row, phase="cold", invocation="first parse", variant=variant)
        for variant in (name, f"{name} floor")
    ]


def stories(document: Row) -> Table:
    """The article's 4 ms, against every parser, mode and phase."""
    warm = {
        (f"{row.get('parser')}, {row.get('mode')}, {row.get('fixture')}", "warm"): [
            _origin(row)
        ]
        for row in _main(document)
    }
    cold = {
        (f"{row.get('parser')}, {row.get('mode')}, {_FIRST}", "cold"): _first(row)
        for row in listed(document, "cold")
    }
    return told(document, "parsers", warm | cold)


def correctness(document: Row) -> Table:
    """What each parser gets wrong, in numbers of texts, and where."""
    found = listed(document, "suite")
    rows = [
        [
            str(row.get("parser")),
            spoken(row.get("runtime")),
            *(count(row.get(key)) for key in _FLAWS),
            f"{count(row.get('free_accepted'))} of {count(row.get('free'))}",
        ]
        for row in found
    ]
    notes = [
        f"{row.get('parser')}: {', '.join(map(str, row['flaws']))}."
        for row in found
        if isinstance(row.get("flaws"), list) and row["flaws"]
    ]
    source = document.get("source_of_suite")
    notes += [f"Texts: {source}."] if source else []
    head = ["parser", "runtime", *_FLAWS.values(), "takes free"]
    origins = [
        [named("parsers.json", "correctness", parser=str(row.get("parser")))]
        for row in found
    ]
    return Table(head, rows, notes, origins)
