"""The document of ``bench rerank``, derived from a run's samples and its checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.measure.contest import Block, block
from bench.measure.contest_tables import (
    Row,
    controlled,
    failures,
    head,
    measured,
)
from bench.measure.rerank import BASE, Grid
from bench.offload import size
from bench.rerankers import INPUTS
from bench.verdict import stories
from bench.verdict.break_even import NETWORK_MS, break_even

if TYPE_CHECKING:
    from bench.measure.rerank import Entry
    from bench.platform import LimitProfile
    from bench.store import Run

Key = tuple[str, str]  # input and label


def document(
    run: Run,
    *,
    grid: Grid,
    entries: Sequence[Entry],
    blocks: Mapping[Key, Block],
    options: Sequence[Row],
    service: Sequence[Row],
    limits: LimitProfile,
) -> Row:
    """Everything that was found out. CPU in us, intervals over process groups."""
    rows = [row for k, dims in grid for row in _rows(k, dims, entries, blocks, options)]
    tables = list(_tables(grid, blocks))
    return {
        **head(run, limits),
        "rows": rows,
        "control": tables[0]["control"] if tables else None,
        "tables": tables,
        "options": list(options),
        "service": list(service),
        "network_ms": list(NETWORK_MS),
        "break_even": list(break_even(options, limits.cpu_ms)),
        "stories": list(stories.rerank(rows, options)),
        "errors": failures(run),
    }


def _tables(grid: Grid, blocks: Mapping[Key, Block]) -> Iterator[Row]:
    """The control of each job, over all its inputs: the base is the same there."""
    for k, dims in grid:
        found = blocks.get((INPUTS[0], size(k, dims)))
        yield {
            "k": k,
            "dims": dims,
            "n": len(found.turns[BASE]) if found else 0,
            **controlled(found, BASE, len(grid)),
        }


def _rows(
    k: int,
    dims: int,
    entries: Sequence[Entry],
    blocks: Mapping[Key, Block],
    options: Sequence[Row],
) -> Iterator[Row]:
    for given in INPUTS:
        found = blocks.get((given, size(k, dims)), Block())
        key = block(given, size(k, dims))
        for entry in entries:
            if key not in entry.cases:
                continue
            yield {
                "backend": entry.name,
                "runtime": entry.module.RUNTIME,
                "version": entry.version,
                "k": k,
                "dims": dims,
                "input": given,
                **measured(entry, key, found, BASE),
                "worker_cpu_us": None,
                "round_trip_ms": None,
            }
    yield from (
        _offered(row) for row in options if (row["k"], row["dims"]) == (k, dims)
    )


def _offered(option: Row) -> Row:
    """An option of the Worker as a row beside the backends: its request as a whole."""
    return {
        "backend": option["option"],
        "runtime": f"workerd, {option['phase']} request",
        "version": "",
        "k": option["k"],
        "dims": option["dims"],
        "input": "request",
        "correct": not option["error"],
        "cpu_us": None,
        "low": None,
        "high": None,
        "n": option["n"],
        "ratio": None,
        "ratio_low": None,
        "ratio_high": None,
        "worker_cpu_us": option["worker_cpu_us"],
        "round_trip_ms": option["round_trip_ms"],
        "error": option["error"],
    }
