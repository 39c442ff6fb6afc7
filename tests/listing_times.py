"""How long a listing of many runs takes, beside reading their manifests plainly.

    python tests/listing_times.py [RUNS]

makes RUNS small runs (10,000) in a temporary folder and prints, for a warm file cache,
the seconds of both and their ratio, and those of the page over all of them.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from bench.store import list_runs
from bench.store._listing import RunSummary

CELLS = 24


def make(root: Path, runs: int, **changed: object) -> list[str]:
    """Finished runs of a few cells, the oldest first; returns their names."""
    cells = {
        f"{number:012x}": {
            "key": {"contest": "parse", "group": number},
            "state": "finished",
            "rows": 36,
            "seconds": 0.25,
        }
        for number in range(CELLS)
    }
    names = []
    for number in range(runs):
        day, minute = divmod(number, 1440)
        at = f"2026-{day // 28 + 1:02d}-{day % 28 + 1:02d}"
        clock = f"{minute // 60:02d}:{minute % 60:02d}"
        name = f"{at.replace('-', '')}T{clock.replace(':', '')}00Z-{number:06x}"
        manifest = {
            "schema": 1,
            "run": name,
            "created": f"{at}T{clock}:00+00:00",
            "finished": f"{at}T{clock}:40+00:00",
            "status": "finished",
            "command": "bench parsers --profile quick",
            "argv": ["parsers", "--profile", "quick"],
            "seed": 1,
            "profile": "quick",
            "parameters": {},
            "host": "host-4c-000000",
            "commit": "0123456789abcdef0123456789abcdef01234567",
            "fixtures": {"transcript.json": "ab" * 32},
            "bytes": {"samples.jsonl": 0, "errors.jsonl": 0},
            "order": list(cells),
            "cells": cells,
            "notebooks": {},
        }
        folder = root / name
        folder.mkdir(parents=True)
        text = json.dumps(manifest | changed, indent=2)
        (folder / "manifest.json").write_text(text)
        names.append(name)
    return names


def plainly(root: Path) -> int:
    """Bytes of all manifests, read and nothing else."""
    return sum(len(path.read_bytes()) for path in root.glob("*/manifest.json"))


def listed(root: Path) -> list[RunSummary]:
    """What is timed."""
    return list_runs(root)


def main() -> None:
    """Print the times."""
    from bench.report import _index

    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        make(root, runs)
        kinds = {"read": plainly, "list": listed, "page": _index.build}
        best = dict.fromkeys(kinds, float("inf"))
        for _ in range(4):
            for kind, function in kinds.items():
                begun = time.perf_counter()
                function(root)
                best[kind] = min(best[kind], time.perf_counter() - begun)
    for kind, seconds in best.items():
        print(f"{kind}: {seconds:.3f} s, {seconds / best['read']:.1f} times reading")


if __name__ == "__main__":
    main()
