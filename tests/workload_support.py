"""What the tests of the workloads share: a new run, and the columns of a row."""

from __future__ import annotations

from pathlib import Path

from bench.platform import limit_profile
from bench.store import Run

FREE = limit_profile("free")
COLUMNS = {
    *("workload", "title", "article", "route", "phase", "fixture", "cpu_ms", "low"),
    *("high", "locked_ms", "locked_low", "locked_high", "wall_ms", "subrequests"),
    *("bytes_in", "bytes_out", "n", "error", "outside_ms", "calls", "meters"),
}


def new_run(path: Path) -> Run:
    """An empty run in ``path``."""
    asked = {"argv": [], "seed": 1, "profile": "quick", "parameters": {}}
    return Run.create(path, fixtures={}, **asked)
