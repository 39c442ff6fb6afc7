"""A made-up, plausible document of `bench stages` and samples that agree with it."""

from __future__ import annotations

import json
import math
import random

import pandas as pd
from matplotlib.text import Text

PATHS = {
    "chat": {
        "auth": 0.12, "parse_request": 0.06, "validate": 0.02, "rate_limit": 0.09,
        "load_conversation": 0.55, "embed": 0.62, "retrieve": 1.48, "rerank": 0.02,
        "assemble": 0.21, "complete": 0.48, "stream": 1.12, "save_turn": 0.33,
        "summarize": 0.61,
    },
    "ingest": {
        "receive": 0.18, "parse_transcript": 1.35, "chunk": 0.74, "store": 0.92,
        "enqueue": 0.44,
    },
    "consume": {"embed_chunks": 5.3, "upsert": 2.2},
}  # fmt: skip
FLOOR = {"chat": 0.31, "ingest": 0.28, "consume": 0.27}
COLD = {"chat": 4.1, "ingest": 2.6, "consume": 1.7}
RUNTIME = "cpython"
# What of the CPU of workerd's thread is under the isolate lock, and a stage that comes
# out negative, as a small difference of two requests may.
UNDER_LOCK = 0.6
NEGATIVE = "rerank"


def interval(value, share=0.02):
    return {"low": value * (1 - share), "high": value * (1 + share)}


def whole(phase, value, floor, n):
    return {
        "runtime": RUNTIME,
        "phase": phase,
        "whole_cpu_ms": value,
        **interval(value),
        "floor_cpu_ms": floor,
        "closure": 0.012,
        "closure_low": -0.004,
        "closure_high": 0.028,
        "n": n,
        "run_delay_ms": 0.4,
        "wall_ms": value * 1.8,
        "control": {"ratio": 1.002, "low": 0.994, "high": 1.01},
        "verdict": "ok",
        "stopped_by": "precision" if phase == "warm" else "time",
    }


def journey(phases=("warm", "cold"), invocations=tuple(PATHS), n=240):
    """The document of `bench stages` for a made-up machine, in CPython alone."""
    rows, totals, parts = [], [], []
    for phase in phases:
        sums = []
        for invocation in invocations:
            factor = COLD[invocation] if phase == "cold" else 1.0
            requests = n if phase == "warm" else max(n // 20, 1)
            count = min(requests, 12)
            for stage, warm in PATHS[invocation].items():
                cpu = warm * factor
                io = 0.6 * cpu if stage in {"auth", "embed", "retrieve", "store"} else 0
                alone = {"alone_ms": None, "alone_low": None, "alone_high": None}
                if phase == "warm":
                    low, high = interval(cpu * 0.4, 0.03).values()
                    alone = {
                        "alone_ms": cpu * 0.4,
                        "alone_low": low,
                        "alone_high": high,
                    }
                rows.append(
                    {
                        "runtime": RUNTIME, "phase": phase, "invocation": invocation,
                        "stage": stage, "cpu_ms": cpu, **interval(cpu, 0.06),
                        "n": count, "requests": requests, "compute_ms": cpu - io,
                        "io_ms": io, **alone, "error": None,
                    }
                )  # fmt: skip
            value = sum(PATHS[invocation].values()) * factor + FLOOR[invocation]
            sums.append(value)
            total = whole(phase, value, FLOOR[invocation], count)
            parts.append({**total, "invocation": invocation})
        if sums:
            totals.append(whole(phase, sum(sums), sum(FLOOR.values()), count))
    return {
        "schema": 1,
        "run": "20260101T120000Z-ab12cd",
        "machine": {
            "host": "amd-epyc-2c-3f9a1c", "cpu": "AMD EPYC", "cores": 2,
            "kernel": "6.1", "python": "CPython 3.11.7", "load": [0.2, 0.1, 0.1],
            "governor": None,
            "cgroup_quota": None, "steal": 0.01, "virtualisation": "kvm",
            "versions": {"httpx": "0.28.1"}, "workerd": None, "v8": None,
            "warnings": ["the machine is virtual: other guests can take its time"],
        },
        "command": "bench stages --profile quick --seed 1",
        "rows": rows,
        "totals": totals,
        "invocations": parts,
        "warming": _warming(parts),
    }  # fmt: skip


def _warming(parts):
    place = ("runtime", "invocation", "phase", "n")
    return [
        {key: part[key] for key in place}
        | {"request": request, "cpu_ms": cpu, **interval(cpu, 0.04)}
        for part in parts
        if part["phase"] == "cold"
        for request in range(1, 11)
        for cpu in [part["whole_cpu_ms"] * (1 if request == 1 else 0.5)]
    ]


def both(**options):
    """CPython and workerd in one document, with all that only workerd can tell."""
    result = journey(**options)
    ours = json.loads(json.dumps(result))
    for row in [*result["rows"], *result["invocations"], *result["totals"]]:
        row.update(workers=False, alone_has_calls=False)
    for row in ours["rows"]:
        cpu = -0.03 if row["stage"] == NEGATIVE else row["cpu_ms"]
        compute = cpu * UNDER_LOCK
        row.update(cpu_ms=cpu, low=cpu - 0.05, high=cpu + 0.05, compute_ms=compute)
        row.update(io_ms=cpu - compute, compute_low=-0.01, compute_high=compute + 0.1)
        if row["invocation"] == "chat" and row["phase"] == "warm":
            row["profile_ms"] = compute / 2
    for row in [*ours["invocations"], *ours["totals"]]:
        locked, floor = row["whole_cpu_ms"] * UNDER_LOCK, row["floor_cpu_ms"]
        row.update(locked_ms=locked, locked_low=locked - 0.1, locked_high=locked + 0.1)
        row.update(locked_floor_ms=floor * UNDER_LOCK, helpers_ms=0.123)
        row.update(net_cpu_ms=row["whole_cpu_ms"] - floor)
    for key in ("rows", "totals", "invocations", "warming"):
        mine = {"runtime": "workerd", "workers": True, "alone_has_calls": True}
        result[key] += [row | mine for row in ours[key]]
    result["instruments"] = _instruments(result["invocations"])
    result["isolates"] = isolates()
    return result


def _instruments(parts):
    """Three readings of each invocation in workerd; one of them is in doubt."""
    found = []
    for part in parts:
        if part["runtime"] != "workerd":
            continue
        readings = {"schedstat": part["net_cpu_ms"], "trace": part["locked_ms"]}
        if part["phase"] == "warm":
            readings["bench"] = 1.5 * part["net_cpu_ms"]
        for name, cpu in readings.items():
            doubt = "bench says +50% against schedstat, beyond both intervals"
            row = {
                "runtime": "workerd", "phase": part["phase"], "n": part["n"],
                "invocation": part["invocation"], "instrument": name, "cpu_ms": cpu,
                **interval(cpu), "doubt": doubt if name == "bench" else "",
            }  # fmt: skip
            found.append(row)
    return found


def isolates(chunk=0.0052, low=0.0019, high=0.0084):
    """What is known of an isolate; ``chunk`` is the conversion of one, in ms."""
    facts = [
        ("startup", "isolate", "cpu", "ms", 0.52, 0.50, 0.55, 5),
        ("startup", "total", "cpu", "ms", 9.34, 9.08, 9.60, 5),
        ("script", "plain", "size", "bytes", 72_836, None, None, 1),
        ("script", "gzip", "size", "bytes", 21_231, None, None, 1),
        ("heap", "0", "idle", "MB", 2.28, None, None, 1),
        ("heap", "64", "live", "MB", 9.67, None, None, 1),
        ("heap", "64", "peak", "MB", 23.31, None, None, 1),
        ("conversion", "per chunk", "chunks", "1", 46, None, None, 1),
        ("conversion", "per chunk", "cpu", "ms", chunk, low, high, 4),
    ]
    keys = ("what", "variant", "metric", "unit", "value", "low", "high", "n")
    found = [{"runtime": "workerd"} | dict(zip(keys, f, strict=True)) for f in facts]
    start = ("startup", "plain", "cpu", "ms", 195.0, 190.0, 199.0, 8)
    return [{"runtime": "cpython"} | dict(zip(keys, start, strict=True)), *found]


def drawn(result, seed=1):
    """Tidy samples that agree with ``result``: a cell a phase, each counting from 0."""
    rng, rows = random.Random(seed), []
    requests = {
        (r["runtime"], r["phase"], r["invocation"]): r["requests"]
        for r in result["rows"]
    }
    places = [(part["runtime"], part["phase"]) for part in result["invocations"]]
    for runtime, phase in dict.fromkeys(places):
        parts = [
            part
            for part in result["invocations"]
            if (part["runtime"], part["phase"]) == (runtime, phase)
        ]
        counts = [requests[runtime, phase, part["invocation"]] for part in parts]
        todo = [p for p, many in zip(parts, counts, strict=True) for _ in range(many)]
        rng.shuffle(todo)
        for seq, part in enumerate(todo):
            head = {
                "run": result["run"], "host": "h", "cell": f"cell-{runtime}-{phase}",
                "runtime": runtime, "phase": phase, "variant": "plain",
                "invocation": part["invocation"], "fixture": "transcript.json",
                "process": seq * 12 // len(todo), "seq": seq, "unit": "ms",
            }  # fmt: skip
            tail = math.exp(rng.gauss(0, 0.07)) + (rng.random() < 0.02) * rng.random()
            cpu = part["whole_cpu_ms"] * tail
            speed = math.exp(rng.gauss(0, 0.01)) * (1 + 0.03 * math.sin(seq / 300))
            rows += [
                {**head, "stage": "whole", "metric": "cpu", "value": cpu},
                {**head, "stage": "whole", "metric": "wall", "value": cpu * 2},
                {**head, "stage": "whole", "metric": "cpu", "value": cpu * 1.001,
                 "variant": "control"},
                {**head, "stage": "whole", "metric": "cpu", "value": cpu * 0.7,
                 "variant": "alone"},
                {**head, "stage": "floor", "metric": "cpu",
                 "value": part["floor_cpu_ms"]},
                {**head, "stage": "sentinel", "invocation": "", "metric": "cpu",
                 "value": 1.5 * speed},
            ]  # fmt: skip
            if part["invocation"] == "chat":
                rows += _metered(result, part, head, tail)
    return pd.DataFrame(rows)


def _metered(result, part, head, tail):
    """One metered request: spans by stage, or what it cost up to each of them."""
    place = ("runtime", "phase", "invocation")
    stages = [
        row
        for row in result["rows"]
        if all(row[key] == part[key] for key in place) and row["cpu_ms"] is not None
    ]
    head = head | {"variant": "metered"}
    if part["runtime"] != "workerd":
        return [
            {**head, "stage": row["stage"], "metric": metric, "value": row[key] * tail}
            for row in stages
            for metric, key in (("cpu", "cpu_ms"), ("io", "io_ms"))
        ]
    upto = part["floor_cpu_ms"]
    locked = upto * UNDER_LOCK
    rows = []
    for name, cpu, inside in [("nothing", 0.0, 0.0)] + [
        (row["stage"], row["cpu_ms"], row["compute_ms"]) for row in stages
    ]:
        upto, locked = upto + cpu * tail, locked + inside * tail
        rows += [
            {**head, "stage": name, "metric": "upto", "value": upto},
            {**head, "stage": name, "metric": "upto_locked", "value": locked},
        ]
    return rows


def figures_of(source):
    """Figure modules by name that draw the document of the verb ``source``."""
    from bench import figures

    return {
        name: module
        for name, module in figures.load().items()
        if figures.source(module) == source
    }


def text_of(figure):
    return " ".join(item.get_text() for item in figure.findobj(Text))
