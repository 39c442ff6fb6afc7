"""Made-up runs to compare, to gate and to look back on."""

from __future__ import annotations

import json
import random
from functools import cache
from unittest.mock import patch

from click.testing import CliRunner

from bench import cli
from bench.errors import BenchError
from bench.machine import collect
from bench.store import Run
from bench.store._manifest import provenance as asked

GROUPS, TURNS = 8, 5
WHOLE = {
    "runtime": "workerd", "phase": "warm", "invocation": "chat", "stage": "whole",
    "variant": "plain", "fixture": "transcript.json",
}  # fmt: skip
SENTINEL = {
    "runtime": "workerd", "phase": "warm", "stage": "sentinel", "variant": "plain",
}  # fmt: skip


@cache
def facts():
    """A machine: what its facts are does not matter, only that they are alike."""
    return collect() | {"python": "CPython 3.11.7", "workerd": "2026-11-17"}


@cache
def provenance():
    """The code: likewise."""
    return asked()


def groups(level, *, count=GROUPS, noise=0.005, seed=1, turns=TURNS):
    """A list of turns for each process group, around ``level``."""
    draw = random.Random(f"{level}{seed}")
    return [
        [offset * draw.lognormvariate(0, noise / 2) for _ in range(turns)]
        for offset in (level * draw.lognormvariate(0, noise) for _ in range(count))
    ]


def rows(place, values, metric="cpu", unit="ms"):
    """Rows of a cell: one list of turns a process group."""
    for process, mine in enumerate(values):
        for seq, value in enumerate(mine):
            yield {"invocation": "", "fixture": ""} | place | {
                "process": process, "seq": seq, "metric": metric, "unit": unit,
                "value": value,
            }  # fmt: skip


def made(
    folder, *cells, sentinel=1.0, waited=None, manifest=None, facts_of=None, seed=1
):
    """A finished run of ``cells``, each a list of rows, beside a sentinel.

    Requests of 5 ms waited for their core by the share ``waited``; ``manifest`` and
    ``facts_of`` replace what the run says of itself and of its machine.
    """
    described = {"argv": ["stages"], "profile": "quick", "parameters": {}}
    # Asked once, and neither workerd nor git for every run.
    with (
        patch("bench.machine.collect", facts),
        patch("bench.store._manifest.provenance", provenance),
        Run.create(folder, seed=1, fixtures={}, **described) as run,
    ):
        with run.cell({"measurement": "in path"}) as cell:
            for each in cells:
                cell.add(each)
            if sentinel is not None:
                cell.add(rows(SENTINEL, groups(sentinel, seed=seed, noise=0.002)))
            if waited is not None:
                delays = [[5.0 * waited] * TURNS for _ in range(GROUPS)]
                cell.add(rows(WHOLE, delays, metric="run_delay"))
        run.seal()
    change(folder / "machine.json", facts() | (facts_of or {}))
    hashes = {"fixtures": {"transcript.json": "ab" * 32}, "dirty": False}
    change(folder / "manifest.json", hashes | (manifest or {}))
    return Run.open(folder)


def change(path, values):
    """Replace some values of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def whole(level, **options):
    """Rows of one request as a whole."""
    return list(rows(WHOLE, groups(level, **options)))


def ask(*arguments):
    """``bench`` in this process: exit code, stdout, and the error or stderr."""
    done = CliRunner().invoke(cli.bench, [str(argument) for argument in arguments])
    error = done.exception
    if isinstance(error, BenchError):
        return error.exit_code, done.stdout, str(error)
    if isinstance(error, Exception):
        raise error
    return done.exit_code, done.stdout, done.stderr
