"""The document of ``bench rerank``, derived from a run's samples and its checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.measure.compare import CONFIDENCE, CONTROL
from bench.measure.contest import Block, block
from bench.measure.parse_tables import ends
from bench.measure.rerank import BASE, Grid, label
from bench.rerankers import INPUTS
from bench.verdict import stories
from bench.verdict.break_even import NETWORK_MS, break_even

if TYPE_CHECKING:
    from bench.measure.rerank import Entry
    from bench.platform import LimitProfile
    from bench.store import Run

SCHEMA = 1
Row = dict[str, Any]
Key = tuple[str, str]  # input and label
# The option that a backend stands for, whose Worker cost is shown beside it.
_OPTION = {"workerd": "in_path"}


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
        "schema": SCHEMA,
        "run": run.id,
        "machine": run.machine,
        "command": run.manifest.get("command", ""),
        "profile": run.manifest.get("profile", ""),
        "limits": {"name": limits.name, "cpu_ms": limits.cpu_ms},
        "rows": rows,
        "control": tables[0]["control"] if tables else None,
        "tables": tables,
        "options": list(options),
        "service": list(service),
        "network_ms": list(NETWORK_MS),
        "break_even": list(break_even(options, limits.cpu_ms)),
        "stories": list(stories.rerank(rows, options)),
        "errors": [error["message"] for error in run.errors() if error["cell"]],
    }


def _tables(grid: Grid, blocks: Mapping[Key, Block]) -> Iterator[Row]:
    """The control of each job, over all its inputs: the base is the same there."""
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(grid))
    for k, dims in grid:
        found = blocks.get((INPUTS[0], label(k, dims)))
        control = found.ratio(CONTROL, BASE, confidence) if found else None
        yield {
            "k": k,
            "dims": dims,
            "n": control.n if control else 0,
            "control": ends("ratio", "low", "high", control),
            "holds": control is not None and not control.excludes(1.0),
        }


def _rows(
    k: int,
    dims: int,
    entries: Sequence[Entry],
    blocks: Mapping[Key, Block],
    options: Sequence[Row],
) -> Iterator[Row]:
    for given in INPUTS:
        found = blocks.get((given, label(k, dims)), Block())
        key = block(given, label(k, dims))
        for entry in entries:
            if key not in entry.cases:
                continue
            error = entry.errors.get(key, "")
            name = entry.name if entry.name in found.turns and not error else ""
            cost = found.cost(name) if name else None
            yield {
                "backend": entry.name,
                "runtime": entry.module.RUNTIME,
                "version": entry.version,
                "k": k,
                "dims": dims,
                "input": given,
                "correct": not error,
                **ends("cpu_us", "low", "high", cost),
                "n": cost.n if cost else 0,
                **ends("ratio", "ratio_low", "ratio_high", found.ratio(name, BASE)),
                "worker_cpu_us": None,
                "round_trip_ms": None,
                "error": error or (None if name else "was not measured"),
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
