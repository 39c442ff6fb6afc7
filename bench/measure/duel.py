"""pyperf on the same pair, in the same wall time, in the same hour.

pyperf measures all of A and then all of B and compares the pooled values with its own
t-test; that order is what most tools use. Its processes are pinned to the same core
as ours, and it gets ten of them a side, as many as its own statistics like.
"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from bench.errors import BenchError
from bench.measure import affinity
from bench.measure.statistics import t_quantile

PROCESSES = 10
# What one pyperf process spends outside its values: start-up, import, calibration.
PROCESS_SECONDS = 0.13
# Three values and one warm-up of a process, and what exceeds the minimum on average.
VALUES_FACTOR = 5.5


@dataclass(frozen=True, slots=True)
class Duel:
    """pyperf's answer: its ratio of means, its verdict, its interval's width."""

    ratio: float
    significant: bool
    width: float


def pyperf_compare(extra: float, seconds: float) -> Duel:
    """Compare the subject with itself slowed by ``extra``, in about ``seconds``.

    Significance is what ``pyperf compare_to`` prints. The width is that of the 95 %
    interval which belongs to its pooled two-sample t-test. Raises BenchError when
    pyperf fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder, "a.json"), Path(folder, "b.json")
        _measure(first, 0.0, seconds / 2)
        _measure(second, extra, seconds / 2)
        text = _pyperf("compare_to", str(first), str(second))
        a, b = _values(first), _values(second)
    pooled = math.sqrt(
        ((len(a) - 1) * stdev(a) ** 2 + (len(b) - 1) * stdev(b) ** 2)
        / (len(a) + len(b) - 2)
    )
    half = t_quantile(len(a) + len(b) - 2) * pooled * math.sqrt(1 / len(a) + 1 / len(b))
    return Duel(
        ratio=fmean(b) / fmean(a),
        significant="not significant" not in text.lower(),
        width=2 * half / fmean(a),
    )


def _measure(out: Path, extra: float, seconds: float) -> None:
    per_process = seconds / (PROCESSES + 1) - PROCESS_SECONDS
    core = affinity.plan().measuring
    _run(
        [
            "bench.measure.pyperf_subject",
            "--quiet",
            f"--processes={PROCESSES}",
            f"--min-time={max(0.005, per_process / VALUES_FACTOR):.4f}",
            f"--extra={extra}",
            f"--output={out}",
            *(() if core is None else (f"--affinity={core}",)),
        ]
    )


def _values(path: Path) -> list[float]:
    import pyperf

    return list(pyperf.Benchmark.load(str(path)).get_values())


def _pyperf(*arguments: str) -> str:
    return _run(["pyperf", *arguments])


def _run(arguments: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise BenchError(f"pyperf ended with code {done.returncode}: {last}")
    return done.stdout
