"""The document of ``bench parsers``, derived from a run's samples and its checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.measure.contest import Block, block
from bench.measure.contest_tables import (
    Row,
    controlled,
    ends,
    failures,
    head,
    measured,
)
from bench.parsers import REFERENCE, _suite
from bench.verdict import stories
from bench.verdict.switch import Line, fit, switch

if TYPE_CHECKING:
    from bench.measure.parsers import Entry
    from bench.parsers._bodies import Body
    from bench.platform import LimitProfile
    from bench.store import Run

Key = tuple[str, str]  # mode and label
# What the switches are held against: a millisecond, and a tenth of the limit.
SAVED_MS, SHARE = 1.0, 0.1
# The parser that each runtime has anyway; switches are counted from it.
_AT_HOME = {"cpython": REFERENCE, "workerd": "v8_json"}


def document(
    run: Run,
    *,
    bodies: Sequence[Body],
    entries: Sequence[Entry],
    blocks: Mapping[Key, Block],
    cold: Sequence[Row],
    correctness: Sequence[Row],
    limits: LimitProfile,
    has_suite: bool,
) -> Row:
    """Everything that was found out. CPU in us, intervals over process groups."""
    tables = [
        _table(body, mode, found)
        for body in bodies
        for mode in body.modes
        if REFERENCE in (found := blocks.get((mode, body.label), Block())).turns
    ]
    for table in tables:
        found = blocks[table["mode"], table["fixture"]]
        table |= controlled(found, REFERENCE, len(tables))
    lines = _lines(bodies, entries, blocks)
    runtimes = {entry.name: str(entry.module.RUNTIME) for entry in entries}
    rows = [
        row
        for body in bodies
        for mode in body.modes
        for row in _rows(body, mode, entries, blocks)
    ]
    return {
        **head(run, limits),
        "rows": rows,
        "control": tables[0]["control"] if tables else None,
        "tables": tables,
        "costs": [_cost(key, line, runtimes) for key, line in lines.items()],
        "switches": list(_switches(lines, runtimes, limits)),
        "cold": list(cold),
        "stories": list(stories.parse(rows, lines, cold)),
        "suite": _suite.summary(correctness),
        "correctness": list(correctness),
        "source_of_suite": "edges and JSONTestSuite" if has_suite else "edges",
        "errors": failures(run),
    }


def _table(body: Body, mode: str, found: Block) -> Row:
    return {
        "mode": mode,
        "fixture": body.label,
        "kind": body.kind,
        "bytes": len(body.data),
        "n": len(found.turns[REFERENCE]),
        "fastest": min(found.names, key=lambda name: found.cost(name).value),
    }


def _rows(
    body: Body, mode: str, entries: Sequence[Entry], blocks: Mapping[Key, Block]
) -> Iterator[Row]:
    found = blocks.get((mode, body.label), Block())
    key = block(mode, body.label)
    best = {
        runtime: min(
            (each.name for each in entries if _is_of(each, runtime, found)),
            key=lambda name: found.cost(name).value,
            default="",
        )
        for runtime in {entry.module.RUNTIME for entry in entries}
    }
    for entry in entries:
        if key not in entry.cases:
            continue
        runtime = entry.module.RUNTIME
        name = "" if entry.errors.get(key) else entry.name
        against = found.ratio(name, best[runtime])
        yield {
            "parser": entry.name,
            "runtime": runtime,
            "version": entry.version,
            "mode": mode,
            "kind": body.kind,
            "fixture": body.label,
            "bytes": len(body.data),
            **measured(entry, key, found, REFERENCE),
            "fastest": best[runtime] or None,
            **ends("vs_fastest", "vs_fastest_low", "vs_fastest_high", against),
            "peak_bytes": entry.peaks.get(key),
        }


def _is_of(entry: Entry, runtime: str, found: Block) -> bool:
    return runtime == entry.module.RUNTIME and entry.name in found.turns


def _lines(
    bodies: Sequence[Body], entries: Sequence[Entry], blocks: Mapping[Key, Block]
) -> dict[tuple[str, str, str], Line]:
    """(parser, mode, family) -> the line through its sizes."""
    found = {}
    for pretty in (False, True):
        mine = [b for b in bodies if b.sized and b.label.endswith("pretty") == pretty]
        family = "transcript, pretty" if pretty else "transcript"
        for mode in dict.fromkeys(mode for body in mine for mode in body.modes):
            for entry in entries:
                costs = {
                    len(body.data): there.costs(entry.name)
                    for body in mine
                    if (there := blocks.get((mode, body.label))) is not None
                    and entry.name in there.turns
                }
                line = fit(costs)
                if line is not None:
                    found[entry.name, mode, family] = line
    return found


def _cost(key: tuple[str, str, str], line: Line, runtimes: Mapping[str, str]) -> Row:
    parser, mode, family = key
    return {
        "parser": parser,
        "runtime": runtimes[parser],
        "mode": mode,
        "family": family,
        **ends("ns_per_byte", "low", "high", line.ns_per_byte),
        **ends("fixed_us", "fixed_low", "fixed_high", line.fixed_us),
        "smallest_bytes": line.smallest,
        "largest_bytes": line.largest,
        "n": line.ns_per_byte.n,
    }


def _switches(
    lines: Mapping[tuple[str, str, str], Line],
    runtimes: Mapping[str, str],
    limits: LimitProfile,
) -> Iterator[Row]:
    savings = [(SAVED_MS, None), (SHARE * limits.cpu_ms, SHARE)]
    for (parser, mode, family), line in lines.items():
        runtime = runtimes[parser]
        home = _AT_HOME.get(runtime, parser)
        old = lines.get((home, mode, family))
        if home == parser or old is None:
            continue
        for saves_ms, share in savings:
            found = switch(old, line, saves_ms * 1000)
            yield {
                "runtime": runtime,
                "mode": mode,
                "family": family,
                "from": home,
                "to": parser,
                "saves_ms": saves_ms,
                "share": share,
                **ends("bytes", "low", "high", found.size),
                "verdict": found.verdict,
            }
