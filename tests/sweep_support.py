"""Cheap sweeps: each cell makes one small input, so that its answer is known."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
from click.testing import CliRunner

from bench import cli
from bench.files import sha256
from bench.fixtures import embedding

PATIENCE_S = 60.0


def text(seeds, name="cheap", more=""):
    """The file of a sweep that makes an embedding for each seed."""
    listed = ", ".join(map(str, seeds))
    grid = f"grid: {{kind: [embedding], seed: [{listed}]}}"
    return f"name: {name}\nverb: fixtures\n{grid}\n{more}"


def written(folder, content):
    file = folder / "sweep.yaml"
    file.write_text(content, encoding="utf-8")
    return file


def invoke(*arguments):
    """Run `bench sweep` in this process; click's result."""
    line = ["sweep", *map(str, arguments), "--quiet"]
    return CliRunner().invoke(cli.bench, line)


def error(file, *arguments):
    """The UserError of a sweep that must not start."""
    result = invoke(file, "--out", Path(file).parent / "out", *arguments)
    assert not (Path(file).parent / "out").exists(), "nothing was started"
    assert getattr(result.exception, "exit_code", None) == 2, result.exception
    return result.exception


def typed(file, out, *arguments):
    """The same command in a process of its own, as a user would type it."""
    return subprocess.Popen(
        [sys.executable, "-m", "bench", "sweep", str(file), "--out", str(out),
         "--quiet", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])},
    )  # fmt: skip


def until(holds):
    """Wait for a condition, with a deadline."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def finished(out):
    """Folders of finished cells by key; which of them are the same can be told."""
    cells = out / "cells"
    return (
        {each.name: (each / "cell.json").stat().st_ino for each in cells.iterdir()}
        if cells.is_dir()
        else {}
    )


def below(process):
    """Numbers of all that a process has started and that lives."""
    return [each.pid for each in psutil.Process(process.pid).children(recursive=True)]


def gone(pid):
    """Whether it has ended, reaped or not: its parent may be one that does not care."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def digests(out):
    """What the table says that each cell made, by seed."""
    rows = csv.DictReader(io.StringIO((out / "table.csv").read_text()))
    return [(int(row["parameter.seed"]), row["sha256"]) for row in rows]


def expected(seeds):
    return [(seed, sha256(embedding.generate(seed))) for seed in seeds]
