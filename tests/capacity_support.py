"""A small run with all that a capacity plan reads: costs, meters, heap and engines."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from matrix_support import DESCRIBED, PROCESSES, REQUESTS, put

from bench.store import Run

WORKLOAD, FIXTURE = "rag_simple", "top 8"
METERS = {
    "kv.reads": 2.0,
    "kv.writes": 0.5,
    "d1.rows_read": 12.0,
    "d1.rows_written": 3.0,
    "vectorize.queried": 1536.0,
    "queues.operations": 0.25,
}
CALLS = {"kv": 2.0, "d1": 2.0, "embeddings": 1.0, "vectorize": 1.0, "anthropic": 1.0}
HEAP = {"0": ("idle", 2.0), "1": ("live", 2.11), "8": ("live", 2.88)}  # 0.11 MB each


def costs(warm=3.0, cold=9.0, size=400):
    return {WORKLOAD: {"native": {FIXTURE: (warm, cold, size)}}}


def made(path, warm=3.0, cold=9.0, *, extras=True, spread=0.1):
    """A sealed run of one workload; ``extras`` are meters, heap and an engine."""
    with Run.create(path, fixtures={}, **DESCRIBED) as run:
        put(run, costs(warm, cold), spread=spread)
        if extras:
            _meters(run)
            _heap(run)
            _engine(run)
        run.seal()
    return Run.open(path)


def _meters(run):
    place = {
        "runtime": "workerd", "phase": "warm", "invocation": "workload",
        "stage": WORKLOAD, "variant": "native", "fixture": FIXTURE,
    }  # fmt: skip
    with run.cell({"meters": WORKLOAD}) as cell:
        for process in range(PROCESSES):
            for seq in range(REQUESTS):
                here = place | {"process": process, "seq": seq}
                for name, value in METERS.items():
                    metric = {"metric": f"meter.{name}", "unit": "1", "value": value}
                    cell.add([here | metric])
                for name, value in CALLS.items():
                    metric = {"metric": f"calls.{name}", "unit": "1", "value": value}
                    cell.add([here | metric])


def _heap(run):
    with run.cell({"heap": "chat"}) as cell:
        for variant, (metric, value) in HEAP.items():
            cell.add(
                [
                    {
                        "runtime": "workerd", "phase": "warm", "stage": "heap",
                        "variant": variant, "metric": metric, "unit": "MB",
                        "value": value,
                    }
                ]
            )  # fmt: skip


def _engine(run):
    rng = np.random.default_rng(5)
    with run.cell({"engine": "qdrant"}) as cell:
        for size, mean in ((500, 2.0), (2000, 4.0)):
            cell.add(
                {
                    "runtime": "engine", "phase": "warm", "invocation": "engine",
                    "stage": "unfiltered", "variant": "qdrant",
                    "fixture": f"{size}x1536", "seq": seq, "metric": "service",
                    "unit": "ms", "value": mean * (0.9 + 0.2 * rng.random()),
                }
                for seq in range(40)
            )  # fmt: skip


def trace_of(path, at_s, tokens=20):
    """An Azure trace of arrivals in s, written to ``path``."""
    start = datetime(2024, 3, 1, 6, 30, tzinfo=UTC).timestamp()
    lines = ["TIMESTAMP,ContextTokens,GeneratedTokens"]
    for at in at_s:
        moment = datetime.fromtimestamp(start + float(at), UTC)
        lines.append(f"{moment:%Y-%m-%d %H:%M:%S.%f}0,100,{tokens}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def even(n=1500, seconds=1800.0, seed=3):
    """Arrivals of a Poisson process, given their number."""
    return np.sort(np.random.default_rng(seed).uniform(0.0, seconds, n))


def bursts(many=30, each=50, seconds=1800.0, seed=3):
    """As many arrivals in bursts of ``each`` within a second."""
    rng = np.random.default_rng(seed)
    starts = np.sort(rng.uniform(0.0, seconds, many))
    return np.sort((starts[:, None] + rng.uniform(0, 1.0, (many, each))).ravel())
