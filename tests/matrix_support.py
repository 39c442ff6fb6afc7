"""Made-up samples of workloads, in the form that `bench workloads` keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.store import Run

# Workload -> route -> fixture -> (warm, cold) ms under the lock, and bytes of its body.
COSTS = {
    "llm_streaming": {"native": {"anthropic.sse": (1.6, 6.0, 300)}},
    "rag_simple": {"native": {"top 8": (3.0, 9.0, 400)}},
    "rag_complex": {
        "native": {"top 8": (3.2, 9.0, 400)},
        "post_filter": {"top 50": (7.5, 15.0, 400)},
        "qdrant": {"8 of 32,000": (1.2, 5.0, 400)},
    },
    "conversation_small": {"native": {"2,000 tokens": (2.6, 8.0, 200)}},
    "conversation_large": {
        "native": {
            "10,000 tokens": (4.0, 10.0, 200),
            "32,000 tokens": (9.6, 16.0, 200),
            "100,000 tokens": (27.0, 34.0, 200),
        }
    },
    "agent_single": {"native": {"2 calls": (2.2, 7.0, 100)}},
    "agent_multi": {"native": {"5 calls": (13.0, 20.0, 100)}},
    "documents": {
        "native": {
            "0.1 MB": (3.0, 8.0, 100_000),
            "1 MB": (21.0, 28.0, 1_000_000),
            "4 MB": (81.0, 95.0, 4_000_000),
        }
    },
    "webhook": {"native": {"2 KB": (0.4, 2.0, 2000)}},
}
PROCESSES, REQUESTS = 4, 10
DESCRIBED = {"argv": ["workloads"], "seed": 1, "profile": "quick", "parameters": {}}


def rows(place, value, size, process, seq):
    """The rows of one request."""
    here = place | {"process": process, "seq": seq}
    for metric, part in (("locked", 1.0), ("cpu", 1.3), ("wall", 2.0)):
        yield here | {"metric": metric, "unit": "ms", "value": value * part}
    counts = {"subrequests": (5, "count"), "bytes_in": (size, "bytes")}
    for metric, (count, unit) in (counts | {"bytes_out": (500, "bytes")}).items():
        yield here | {"metric": metric, "unit": unit, "value": float(count)}


def put(run, costs=COSTS, spread=0.1, seed=1):
    """Cells of every workload: ``spread`` is the relative deviation of requests."""
    rng = np.random.default_rng(seed)
    for workload, routes in costs.items():
        for route, fixtures in routes.items():
            for place, phase in enumerate(("warm", "cold")):
                for process in range(PROCESSES):
                    key = {"workload": workload, "route": route, "phase": phase}
                    with run.cell(key | {"group": process}) as cell:
                        for fixture, values in fixtures.items():
                            for seq in range(1 if phase == "cold" else REQUESTS):
                                noise = np.exp(spread * rng.normal())
                                head = {
                                    "runtime": "workerd", "phase": phase,
                                    "invocation": "workload", "stage": workload,
                                    "variant": route, "fixture": fixture,
                                }  # fmt: skip
                                cost = values[place] * noise
                                cell.add(rows(head, cost, values[2], process, seq))


def stages(run, costs=None):
    """Requests of chat that end after each stage, as `bench stages` keeps them."""
    costs = costs or {"auth": 0.3, "retrieve": 1.4, "stream": 0.6}
    for process in range(3):
        with run.cell({"stages": "chat", "group": process}) as cell:
            for seq in range(5):
                ended = 0.2
                for stage, cost in ({"nothing": 0.0} | costs).items():
                    ended += cost
                    cell.add(
                        [{
                            "runtime": "workerd", "phase": "warm", "invocation": "chat",
                            "variant": "metered", "stage": stage, "process": process,
                            "seq": seq, "metric": "upto_locked", "unit": "ms",
                            "value": ended, "fixture": "transcript.json",
                        }]
                    )  # fmt: skip


def reranked(run, fixed=200.0, per_value=0.08):
    """Requests that re-rank in their path, as `bench rerank` keeps them, in us."""
    for process in range(3):
        with run.cell({"offload": "warm", "group": process}) as cell:
            for k, dims in ((1, 384), (8, 384), (8, 1536), (64, 1536)):
                for seq in range(4):
                    cost = (fixed + per_value * k * dims) * (1 + process / 100)
                    cell.add(
                        [{
                            "runtime": "workerd", "phase": "warm",
                            "invocation": "offload", "stage": "in_path",
                            "variant": "plain", "fixture": f"{k}x{dims}",
                            "process": process, "seq": seq, "metric": "locked",
                            "unit": "us", "value": cost,
                        }]
                    )  # fmt: skip


def made(folder: Path, costs=COSTS, *, extras=True, spread=0.1) -> Run:
    """A finished run with made-up samples in ``folder``."""
    run = Run.create(folder, fixtures={}, **DESCRIBED)
    put(run, costs, spread)
    if extras:
        stages(run)
        reranked(run)
    run.seal()
    return Run.open(folder)


def only(workload, *values, route="native", fixture="x"):
    """Costs of one workload alone: warm, cold and bytes."""
    return {workload: {route: {fixture: values}}}


def row_of(document, workload, profile="free"):
    """The row of a matrix for one workload and profile."""
    [row] = [
        row
        for row in document["rows"]
        if (row["workload"], row["profile"]) == (workload, profile)
    ]
    return row
