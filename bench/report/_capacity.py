"""The tables of ``bench capacity``: a terminal and a notebook show the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bench.figures._common import milliseconds
from bench.figures._contest import listed
from bench.report import _capacity_cells as cells
from bench.report._compared import idents
from bench.report._evidence import Table
from bench.report._lines import joined, table, wrapped
from bench.report._shape import MISSING
from bench.verdict.answer import percent

Row = dict[str, Any]
_ENDS = "Intervals are over banks, transfer factors and the sample."
_METRICS = {
    "killed_share": "requests ended",
    "headroom": "first limit over expected",
    "cold_share": "cold requests",
    "memory_share": "requests above memory",
    "isolates": "isolates started",
    "in_flight_p99": "in flight in an isolate, p99",
}
_ANSWERS = {
    "killed_share": "requests ended",
    "cold_share": "cold requests",
    "latency_p99": "p99",
    "cost": "dollars a month",
}


def sentence(document: Row, profile: str | None = None) -> str:
    """The first limit to break on one profile, on the first one without a name."""
    rows = listed(document, "first")
    mine = [row for row in rows if profile in (None, row.get("profile"))]
    return str(mine[0].get("sentence")) if mine else "No limit was looked at."


def metrics(document: Row) -> Table:
    """Shares, percentiles and headroom."""
    rows = [
        [
            _METRICS.get(str(row.get("metric")), cells.percentile(row)),
            str(row.get("profile")),
            cells.needing(row),
            cells.ends(row),
            f"{row['n']:,}" if row.get("n") else "",
        ]
        for row in listed(document, "rows")
    ]
    notes = [_ENDS, "A percentile has a value where ten requests lie beyond it."]
    head = ["what", "profile", "value", "interval", "n"]
    return Table(head, rows, notes, _origins(document, listed(document, "rows")))


def _origins(document: Row, rows: Iterable[Row]) -> list[list[str]]:
    """The samples of each row: its own, else those that were simulated."""
    return [idents(row) or idents(document) for row in rows]


def limits(document: Row, profile: str | None = None, *, wide: bool = True) -> Table:
    """At which rate each limit binds, the first one on top.

    Of all profiles, those that say the same of a limit share a line. ``wide`` has what
    a request takes, too.
    """
    rows = [
        row
        for row in listed(document, "limits")
        if profile in (None, row.get("profile"))
    ]
    lines: dict[tuple[str, ...], list[str]] = {}
    origins: dict[tuple[str, ...], list[str]] = {}
    for row in sorted(rows, key=cells.lowest):
        line = (
            str(row.get("item")),
            cells.binds(row),
            cells.rate_ends(row),
            cells.short(row.get("times")),
            *([f"{cells.short(row.get('uses'))} {row.get('unit')}"] if wide else []),
        )
        lines.setdefault(line, []).append(str(row.get("profile")))
        origins.setdefault(line, _origins(document, [row])[0])
    every = document.get("profiles") or []
    found = [
        [item, *rest, cells.whose(names, every)]
        for (item, *rest), names in lines.items()
    ]
    head = ["limit", "binds at (1/s)", "interval", "times"]
    head += [*(["of a request"] if wide else []), "profiles"]
    notes = ["Times: that rate over the expected one."]
    return Table(head, found, notes, list(origins.values()))


def reasons(document: Row, profile: str) -> str:
    """Why each limit of a profile binds where it does, with its source, as a list."""
    rows = [row for row in listed(document, "limits") if row.get("profile") == profile]
    return "\n".join(
        f"- **{row['item']}** (`{row['limit']}`) {row['why']}. {row['source']}."
        for row in sorted(rows, key=cells.lowest)
    )


def costs(document: Row) -> Table:
    """Each meter of each platform, and totals with their interval."""
    rows = [
        [
            f"{row['platform']}: {row['item']}",
            f"{cells.short(row.get('amount'))} {row.get('unit') or ''}".strip(),
            cells.short(row.get("billed")),
            cells.money(row.get("usd")),
            cells.money_ends(row),
        ]
        for row in listed(document, "cost")
    ]
    head = ["a month on", "amount", "billed", "dollars", "interval"]
    notes = [
        f"{row['platform']}: {row['note']}"
        for row in listed(document, "cost")
        if row.get("meter") == "total" and row.get("note")
    ]
    notes.append(
        "Services behind cost the same wherever the code runs; tokens of a model are "
        "in no bill."
    )
    return Table(head, rows, notes, _origins(document, listed(document, "cost")))


def external(document: Row) -> Table:
    """Machines outside, by engine and level."""
    rows = [
        [
            str(row["engine"]),
            f"{row['level'] * 100:g} %",
            milliseconds(float(row["within_ms"])),
            cells.count(row),
            percent(row["utilisation"]) if row["utilisation"] is not None else MISSING,
            f"{percent(row['low'])} to {percent(row['high'])}"
            if row["low"] is not None
            else str(row["note"]),
        ]
        for row in listed(document, "external")
    ]
    head = ["machines outside", "level", "within (ms)", "machines", "busy", "in time"]
    kinds = dict.fromkeys(
        (r["engine"], r["what"]) for r in listed(document, "external")
    )
    notes = [f"{engine}: {what}." for engine, what in kinds]
    notes.append(
        "A machine serves one request at a time, in the time that was measured: an "
        "engine with more to hold takes longer, and more of them."
    )
    return Table(head, rows, notes, _origins(document, listed(document, "external")))


def break_even(document: Row) -> Table:
    """Where Workers and another place cost the same."""
    rows = [
        [
            str(row["option"]),
            cells.short(row.get("rate")),
            str(row.get("cheaper_below") or row.get("cheaper_always") or MISSING),
            cells.money(row.get("native_usd")),
            cells.money(row.get("option_usd")),
        ]
        for row in listed(document, "break_even")
    ]
    head = ["dollars against", "equal at (1/s)", "cheaper below", "native", "there"]
    notes = [
        f"{row['option']}: {row['what']}." for row in listed(document, "break_even")
    ]
    notes.append("Without a rate, what is named is cheaper at every rate.")
    return Table(head, rows, notes, _origins(document, listed(document, "break_even")))


def sensitivity(document: Row, answer: str) -> Table:
    """What drives one answer, the widest first; without what does not."""
    rows = [row for row in listed(document, "sensitivity") if row["answer"] == answer]
    found = [
        [
            str(row["what"]),
            f"{cells.given(row['low_value'])} to {cells.given(row['high_value'])}",
            cells.value(row["answer_low"], row["unit"]),
            cells.value(row["answer_high"], row["unit"]),
        ]
        for row in rows
        if cells.moves(row)
    ]
    head = [f"what drives it: {_ANSWERS[answer]}", "range", "at its low", "at its high"]
    return Table(head, found, [], [idents(document) for _ in found])


def twins(document: Row) -> Table:
    """The traffic beside the same rate as Poisson."""
    rows = [
        [
            f"{row['of']} {_ANSWERS.get(row['answer'], row['answer'])}".strip(),
            cells.with_ends(row, "traffic", "low", "high"),
            cells.with_ends(row, "poisson", "poisson_low", "poisson_high"),
            "yes" if row["differs"] else "no",
        ]
        for row in listed(document, "twins")
    ]
    head = ["answer", "this traffic", "as Poisson", "differs"]
    return Table(head, rows, [], _origins(document, listed(document, "twins")))


def terminal(document: Row) -> str:
    """The plan for a terminal, at most 100 columns wide: the answer first."""
    return joined(_lines(document))


def _lines(document: Row) -> Iterator[str]:
    machine, given = document.get("machine") or {}, document["traffic"]
    yield f"run {document.get('run')}, host {machine.get('host')}"
    yield from wrapped(
        f"{document['workload']}; {given['name']}: {given['requests']:,} requests, "
        f"{cells.short(given['rate'])} a second"
    )
    for row in listed(document, "first"):
        yield ""
        yield from wrapped(str(row["sentence"]))
    yield from _shown(metrics(document))
    yield from _shown(limits(document, wide=False))
    yield from _shown(costs(document))
    yield from _shown(external(document))
    yield from _shown(break_even(document))
    for answer in _ANSWERS:
        yield from _shown(sensitivity(document, answer))
    yield from _shown(twins(document))
    yield ""
    for text in document["why"]:
        yield from wrapped(str(text))
    yield ""
    yield from wrapped(simulated(document))


def _shown(found: Table) -> Iterable[str]:
    return table(found.head[0], found)


def simulated(document: Row) -> str:
    """How much was simulated, how fast, and beside SimPy where that was asked."""
    found = document["simulation"]
    text = (
        f"Simulated {found['requests']:,} requests in {found['seconds']:.3g} s on "
        f"{found['threads']} threads, peak memory {found['peak_mib']:,.0f} MiB, seed "
        f"{found['seed']}."
    )
    check = found.get("check")
    if check:
        same = "the same answers" if check["equal"] else "OTHER ANSWERS"
        text += (
            f" SimPy gives {same} for {check['requests']:,} requests, in "
            f"{check['ratio']:,.0f} times the time."
        )
    return text


def markdown(document: Row) -> str:
    """The whole plan as Markdown."""
    parts = ["# Capacity plan", sentence(document)]
    tables = (
        metrics(document),
        limits(document),
        costs(document),
        external(document),
        break_even(document),
        *(sensitivity(document, answer) for answer in _ANSWERS),
        twins(document),
    )
    parts += [as_markdown(each) for each in tables if each.rows]
    parts += [*map(_safe, document["why"]), simulated(document)]
    return "\n\n".join(parts) + "\n"


def as_markdown(found: Table) -> str:
    """One table as Markdown, its notes below."""
    from bench.verdict import matrix_text

    rows = [[_safe(cell) for cell in row] for row in found.rows]
    head = [_safe(cell) for cell in found.head]
    return "\n\n".join([matrix_text.table(head, rows), *map(_safe, found.notes)])


def _safe(text: object) -> str:
    # A dollar begins mathematics in a notebook.
    return str(text).replace("$", "\\$")


def write(folder: Path, document: Row) -> None:
    """A new folder with the document, the plan as Markdown, and every figure.

    Raises UserError where the disk refuses.
    """
    import orjson
    import pandas as pd

    from bench import figures
    from bench.errors import writing
    from bench.files import write_whole
    from bench.platform import limit_profile

    with writing(folder):
        folder.mkdir(parents=True)
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    write_whole(folder / "capacity.json", orjson.dumps(document, option=options))
    write_whole(folder / "capacity.md", markdown(document).encode())
    figures.save_all(
        folder / "figures", "capacity", document, pd.DataFrame(), limit_profile("free")
    )
