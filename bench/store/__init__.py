"""Run directories: where results live, and how they survive a crash."""

from __future__ import annotations

from bench.store._creation import RESULTS
from bench.store._listing import RunSummary, list_runs
from bench.store.run import RUN_VARIABLE, Cell, Run, cell_id

__all__ = [
    "RESULTS",
    "RUN_VARIABLE",
    "Cell",
    "Run",
    "RunSummary",
    "cell_id",
    "list_runs",
]
