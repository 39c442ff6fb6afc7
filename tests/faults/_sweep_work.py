"""`bench sweep` over cheap cells, each of which makes one small input."""

from __future__ import annotations

from pathlib import Path

from bench.files import sha256

from ._work import BENCH, State, Work

CELLS = 8
_FILE = """\
name: faults
verb: fixtures
grid: {{kind: [embedding], seed: [{seeds}]}}
"""


def works(scratch: Path) -> dict[str, Work]:
    """The sweep on each engine; its file lies in ``scratch`` then."""
    file = scratch / "sweep.yaml"
    seeds = ", ".join(map(str, range(1, CELLS + 1)))
    file.write_text(_FILE.format(seeds=seeds), encoding="utf-8")

    def command(engine: str, out: Path) -> tuple[str, ...]:
        here = ("sweep", str(file), "--quiet", "--engine", engine, "--out", str(out))
        return (*BENCH, *here)

    def work(engine: str) -> Work:
        # A sweep goes on by the same command.
        return Work(
            lambda out: command(engine, out),
            lambda out: command(engine, out),
            cells_of,
            read_sweep,
            {},
        )

    return {f"sweep on {engine}": work(engine) for engine in ("local", "dask")}


def cells_of(folder: Path) -> set[str]:
    """Keys of the cells that have ended."""
    cells = folder / "cells"
    return {path.name for path in cells.iterdir()} if cells.is_dir() else set()


def read_sweep(folder: Path) -> State:
    """The state of a sweep; what a cell left counts with every byte of every file."""
    finished, broken = {}, []
    for key in cells_of(folder):
        place = folder / "cells" / key
        files = sorted(path for path in place.rglob("*") if path.is_file())
        finished[key] = {
            str(path.relative_to(place)): sha256(path.read_bytes()) for path in files
        }
        if "cell.json" not in finished[key]:
            broken.append(f"{key} has no record")
    sealed = (folder / "report.html").exists()
    if sealed:
        debris = sorted(folder.rglob(".*"))
        broken += [f"{path.name} was left" for path in debris if path.name != ".lock"]
        listed = (folder / "table.csv").read_text(encoding="utf-8")
        broken += [
            f"{key} stands {listed.count(key)} times in the table"
            for key in finished
            if listed.count(key) != 1
        ]
    return State(finished, frozenset(), tuple(broken), sealed)
