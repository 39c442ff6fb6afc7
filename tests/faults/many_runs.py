"""`bench list runs` with ten thousand runs: ``python -m tests.faults.many_runs``.

Makes a folder of runs, each with the manifest of a real one, and times their listing.
Exit 1 where it takes longer than ``--limit`` seconds of CPU: elapsed time is the
machine's and whoever else uses it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import orjson

from bench.store import Run, list_runs

CELLS = 8
DESCRIBED = {
    "argv": ["stages"],
    "seed": 1,
    "profile": "quick",
    "parameters": {"limits": "free"},
    "fixtures": {"transcript.json": "ab" * 32},
}


def make(folder: Path, count: int) -> None:
    """``count`` runs in ``folder``: finished, failed and interrupted ones."""
    with Run.create(folder / "first", **DESCRIBED) as run:
        for number in range(CELLS):
            with run.cell({"stage": f"s{number}"}) as cell:
                cell.add([{"metric": "cpu", "unit": "ms", "value": 1.0}])
        manifest = run.manifest
    for number in range(1, count):
        place = folder / f"20260101T{number:06}Z"
        place.mkdir()
        status = ("finished", "failed", "unfinished")[number % 3]
        mine = manifest | {"run": place.name, "status": status}
        mine["created"] = f"2026-01-01T00:00:{number % 60:02}+00:00"
        data = orjson.dumps(mine, option=orjson.OPT_INDENT_2)
        (place / "manifest.json").write_bytes(data)
        (place / ".lock").touch()


def main() -> int:
    """Make the runs, list them, say how long it took."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.many_runs")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--limit", type=float, default=1.0, help="seconds of CPU")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        make(Path(name), asked.runs)
        spent = []
        for _ in range(3):
            wall, cpu = time.perf_counter(), time.process_time()
            found = list_runs(Path(name))
            spent.append((time.process_time() - cpu, time.perf_counter() - wall))
    cpu, wall = min(spent)
    print(f"{len(found)} runs listed in {cpu:.2f} s of CPU, {wall:.2f} s elapsed")
    return 0 if len(found) == asked.runs and cpu <= asked.limit else 1


if __name__ == "__main__":
    sys.exit(main())
