"""Made-up, plausible documents of `bench parsers` and `bench rerank`."""

from __future__ import annotations

import math

from figure_support import interval, journey

HEAD = {
    "schema": 1,
    "run": "20260101T120000Z-ab12cd",
    "machine": journey(phases=())["machine"] | {"workerd": "1.20261120.0"},
    "profile": "quick",
    "limits": {"name": "free", "cpu_ms": 10.0},
}
# Parser -> runtime, ns a byte of everything, fixed us.
PARSERS = {
    "v8_json": ("workerd", 3.4, 6.0),
    "v8_text": ("workerd", 3.1, 4.0),
    "json": ("cpython", 9.6, 2.0),
    "msgspec": ("cpython", 3.9, 0.6),
    "orjson": ("cpython", 3.2, 0.5),
    "rapidjson": ("cpython", 12.0, 1.5),
    "simdjson": ("cpython", 4.4, 2.1),
    "ujson": ("cpython", 6.3, 0.9),
    "ijson": ("cpython", 210.0, 40.0),
    "pyodide_json": ("pyodide", 31.0, 19.0),
}
# Parsers that answer less than everything, and what of the cost is left.
PARTIAL = {"msgspec_typed": 0.31, "simdjson_lazy": 0.22}
WRONG = "ujson"
WHY = "$.results.channels[0].alternatives[0].confidence: 0.99658203 instead of 0.9966"
BODIES = {
    "transcript.json": ("transcript", 18_216, ("full", "fields", "first", "chunks")),
    "transcript.json, pretty": ("transcript", 41_870, ("full",)),
    "embedding.json": ("embedding", 19_300, ("full", "fields")),
    "embedding_base64.json": ("embedding", 8_250, ("full", "fields")),
    "vectorize_top8.json": ("vectorize", 262_000, ("full", "fields")),
    "transcript of 1 KB": ("transcript", 1_004, ("full", "chunks")),
    "transcript of 10 KB": ("transcript", 10_020, ("full", "chunks")),
    "transcript of 100 KB": ("transcript", 100_300, ("full", "chunks")),
    "transcript of 1 MB": ("transcript", 1_000_700, ("full", "chunks")),
}
# Bodies that are enough for every figure, where many are drawn.
FEW = ("transcript.json", "embedding.json", "transcript of 1 KB", "transcript of 1 MB")
TOPICS = {
    "large integers": 6, "doubles": 14, "duplicate keys": 4, "lone surrogates": 5,
    "control characters": 9, "invalid UTF-8": 6, "byte order mark": 1,
    "deep nesting": 3, "NaN and Infinity": 5, "trailing commas": 3,
    "y": 12, "n": 20, "i": 8,
}  # fmt: skip


def parsers(bodies=tuple(BODIES)):
    """The document of `bench parsers`: one parser answers all modes but one wrong."""
    tables, rows = [], []
    for fixture in bodies:
        kind, size, modes = BODIES[fixture]
        for mode in modes:
            mine = [_parsed(name, mode, fixture, kind, size) for name in _asked(mode)]
            _relate(mine)
            rows += mine
            tables.append(_table(mine, mode=mode, fixture=fixture, kind=kind))
    return HEAD | {
        "command": "bench parsers --profile quick",
        "rows": rows,
        "control": tables[0]["control"],
        "tables": tables,
        "costs": [
            _line(name, mode) for mode in ("full", "chunks") for name in _asked(mode)
        ],
        "switches": [
            _switch(name, share)
            for name in PARSERS
            for share in (None, 0.1)
            if name not in {"json", "v8_json", "pyodide_json"}
        ],
        "cold": [
            {
                "parser": name,
                "runtime": "workerd",
                "mode": "full",
                "bytes": 18_216,
                "fixture": "transcript.json",
                "cpu_us": 350.0,
                **interval(350.0, 0.2),
                "n": 16,
            }
            for name in ("v8_json", "v8_text")
        ],
        "stories": [
            story("v8_json, all of transcript.json", 4.0, 0.07),
            story("v8_json takes 4 ms at 1.2 MB", 4.0, 4.0)
            | {"low": None}
            | {"high": None, "reproduces": False, "bytes": 1.2e6},
        ],
        "suite": [_flaws(name) for name in PARSERS],
        "correctness": [row for name in PARSERS for row in _correctness(name)],
        "source_of_suite": "edges and JSONTestSuite",
        "errors": [],
    }


def _asked(mode):
    return [*PARSERS, *(PARTIAL if mode != "full" else ())]


def _cost(name, mode, size):
    if name in PARTIAL:
        return _cost("msgspec", "full", size) * PARTIAL[name]
    _, slope, fixed = PARSERS[name]
    return (fixed + slope * size / 1000) * {"full": 1.0, "fields": 1.06}.get(mode, 1.4)


def _parsed(name, mode, fixture, kind, size):
    cost = _cost(name, mode, size)
    runtime = PARSERS[name][0] if name in PARSERS else "cpython"
    row = {
        "parser": name, "runtime": runtime, "version": "1.2.3", "mode": mode,
        "kind": kind, "fixture": fixture, "bytes": size, "correct": True,
        "cpu_us": cost, **interval(cost), "n": 6,
        "peak_bytes": size * 7 if name != "v8_json" else None, "error": None,
    }  # fmt: skip
    if name == WRONG and mode != "full":
        numbers = ("cpu_us", "low", "high", "n", "peak_bytes")
        row |= dict.fromkeys(numbers) | {"correct": False, "error": WHY}
    return row


def _relate(rows):
    """Ratios to `json` and to the fastest of the same runtime."""
    sound = {row["parser"]: row["cpu_us"] for row in rows if row["cpu_us"]}
    for row in rows:
        mates = [r for r in rows if r["cpu_us"] and r["runtime"] == row["runtime"]]
        best = min(mates, key=lambda r: r["cpu_us"])["parser"]
        for key, to in (("ratio", "json"), ("vs_fastest", best)):
            value = row["cpu_us"] and row["cpu_us"] / sound[to]
            ends = interval(value, 0.015) if value else {"low": None, "high": None}
            row |= {key: value, f"{key}_low": ends["low"], f"{key}_high": ends["high"]}
        row["fastest"] = best


def _table(rows, **place):
    sound = [row for row in rows if row["cpu_us"]]
    return place | {
        "bytes": rows[0]["bytes"], "n": 6, "holds": True,
        "control": {"ratio": 1.003, "low": 0.994, "high": 1.012},
        "fastest": min(sound, key=lambda row: row["cpu_us"])["parser"],
    }  # fmt: skip


def _line(name, mode):
    sizes = [BODIES[body][1] for body in BODIES if body.startswith("transcript of")]
    low, high = _cost(name, mode, 0), _cost(name, mode, 1_000_000)
    slope = (high - low) / 1000
    ends = interval(low, 0.2)
    return {
        "parser": name, "runtime": PARSERS.get(name, ("cpython",))[0], "mode": mode,
        "family": "transcript", "ns_per_byte": slope, **interval(slope),
        "fixed_us": low, "fixed_low": ends["low"], "fixed_high": ends["high"],
        "smallest_bytes": min(sizes), "largest_bytes": max(sizes), "n": 6,
    }  # fmt: skip


def _switch(name, share):
    home = {"cpython": "json", "workerd": "v8_json"}.get(PARSERS[name][0], name)
    gain = PARSERS[home][1] - PARSERS[name][1]
    size = 1e6 / gain if gain > 0 else None
    ends = interval(size) if size else {"low": None, "high": None}
    return {
        "runtime": PARSERS[name][0], "mode": "full", "family": "transcript",
        "from": home, "to": name, "saves_ms": 1.0, "share": share,
        "bytes": size, **ends,
        "verdict": f"from {size / 1e3:.0f} KB" if size else "never: it costs more",
    }  # fmt: skip


def _flaws(name):
    bad = name in {"ujson", "rapidjson"}
    return {
        "parser": name, "runtime": PARSERS[name][0], "accepts_wrong": 9 * bad,
        "rejects_wrong": int(name == "orjson"), "wrong_values": 2 * bad,
        "crashed": int(name == "ijson"), "free_accepted": 12, "free": 35,
        "flaws": ["NaN and Infinity", "control characters"] if bad else [],
    }  # fmt: skip


def _correctness(name):
    bad = name in {"ujson", "rapidjson"}
    for topic, many in TOPICS.items():
        for n in range(many):
            wrong = bad and topic in {"NaN and Infinity", "n"} and n < 3
            crash = name == "ijson" and topic == "deep nesting" and n == 2
            found = "crashed" if crash else ("accepted", "rejected")[n % 2]
            yield {
                "parser": name, "runtime": PARSERS[name][0], "case": f"{topic} {n}",
                "group": topic, "expected": "free" if topic == "i" else "accept",
                "found": found, "ok": None if topic == "i" else not (wrong or crash),
                "why": "accepted Infinity" if wrong else "",
            }  # fmt: skip


# Backend -> runtime, us at 8 x 1,536 by input.
BACKENDS = {
    "v8_arrays": ("workerd", {"lists": 14.0, "fresh": 92.0, "json": 2350.0}),
    "v8_float32": ("workerd", {"float32": 11.0, "base64": 96.0, "json": 2390.0}),
    "v8_wasm": ("workerd", {"float32": 3.6, "base64": 88.0}),
    "pure_python": ("cpython", {"lists": 1450.0, "fresh": 1510.0, "json": 2650.0}),
    "numpy_float32": ("cpython", {"float32": 17.0, "base64": 74.0}),
    "numpy_lists": ("cpython", {"lists": 560.0, "fresh": 640.0, "json": 1800.0}),
    "numkong": ("cpython", {"float32": 8.0, "base64": 69.0}),
}
GRID = [(8, 1536), (1, 1536), (64, 1536), (1, 384), (8, 384), (64, 384)]
# Option -> us under the lock of a request, at 8 x 1,536 and at none.
OPTIONS = {
    "off": (210.0, 200.0), "metadata": (260.0, 205.0), "exact": (1900.0, 205.0),
    "in_path": (2150.0, 210.0), "offload_json": (3900.0, 420.0),
    "offload_binary": (2500.0, 410.0), "offload_ids": (480.0, 400.0),
}  # fmt: skip


def rerank(phases=("warm", "cold")):
    """The document of `bench rerank`: one backend ranks wrong, one option fails."""
    rows = [
        _ranked(name, given, k, dims)
        for k, dims in GRID
        for given in ("lists", "fresh", "json", "float32", "base64")
        for name in BACKENDS
        if given in BACKENDS[name][1]
    ]
    options = [
        _option(name, phase, k, dims)
        for phase in phases
        for k, dims in GRID
        for name in OPTIONS
    ]
    rows += [_offered(option) for option in options]
    control = {"ratio": 0.999, "low": 0.991, "high": 1.007}
    return HEAD | {
        "command": "bench rerank --profile quick",
        "rows": rows,
        "control": control,
        "tables": [
            {"k": k, "dims": dims, "n": 6, "control": control, "holds": True}
            for k, dims in GRID
        ],
        "options": options,
        "service": [
            {
                "device": "cpu", "backend": "numpy", "body": body, "batch": batch,
                "k": 8, "dims": 1536, "cpu_us_per_query": 900 / batch,
                "wall_us_per_query": 1100 / batch, "n": 4,
            }
            for body in ("json", "binary")
            for batch in (1, 8, 32)
        ],
        "network_ms": [0, 5, 10, 25, 50],
        "break_even": [
            _choice(options, phase, k, dims) for phase in phases for k, dims in GRID
        ],
        "stories": [
            story("v8_arrays, values as json", 12.0, 2.35, k=8, dims=1536),
            story("request that re-ranks 64 x 1,536 in its path", 12.0, 17.2, k=64),
        ],
        "errors": [],
    }  # fmt: skip


def _ranked(name, given, k, dims):
    runtime, costs = BACKENDS[name]
    cost = 0.8 + costs[given] * k * dims / (8 * 1536)
    ratio = cost / (0.8 + 1450 * k * dims / (8 * 1536))
    ends = interval(ratio, 0.015)
    row = {
        "backend": name, "runtime": runtime, "version": "1.2.3", "k": k, "dims": dims,
        "input": given, "correct": True, "cpu_us": cost, **interval(cost), "n": 6,
        "ratio": ratio, "ratio_low": ends["low"], "ratio_high": ends["high"],
        "worker_cpu_us": None, "round_trip_ms": None, "error": None,
    }  # fmt: skip
    if (name, given) == ("numpy_lists", "fresh"):
        numbers = ("cpu_us", "low", "high", "n", "ratio", "ratio_low", "ratio_high")
        why = "order differs at place 2"
        row |= dict.fromkeys(numbers) | {"correct": False, "error": why}
    return row


def _option(name, phase, k, dims):
    at_job, at_none = OPTIONS[name]
    locked = at_none + (at_job - at_none) * k * dims / (8 * 1536)
    locked *= 3.1 if phase == "cold" else 1.0
    whole = locked + 420
    row = {
        "option": name, "phase": phase, "k": k, "dims": dims, "worker_cpu_us": whole,
        "worker_low": whole * 0.97, "worker_high": whole * 1.03, "locked_us": locked,
        "locked_low": locked * 0.96, "locked_high": locked * 1.04,
        "round_trip_ms": 1.1 if name.startswith("offload") else 0.4,
        "request_bytes": 12_400, "response_bytes": 31 * k * dims, "n": 5, "error": None,
    }  # fmt: skip
    if (name, phase, k) == ("offload_json", "cold", 64):
        row |= {key: None for key in row if key.startswith(("worker", "locked"))}
        row |= {"n": 0, "error": "the service answered 503"}
    return row


def _offered(option):
    nothing = ("cpu_us", "low", "high", "ratio", "ratio_low", "ratio_high")
    return dict.fromkeys(nothing) | {
        "backend": option["option"], "runtime": f"workerd, {option['phase']} request",
        "version": "", "k": option["k"], "dims": option["dims"], "input": "request",
        "correct": not option["error"], "n": option["n"],
        "worker_cpu_us": option["worker_cpu_us"],
        "round_trip_ms": option["round_trip_ms"], "error": option["error"],
    }  # fmt: skip


def _choice(options, phase, k, dims):
    at = {
        row["option"]: row["locked_us"] or math.inf
        for row in options
        if (row["phase"], row["k"], row["dims"]) == (phase, k, dims)
    }
    way = min((n for n in at if n.startswith("offload")), key=lambda n: at[n])
    ranked = sorted(("in_path", "exact", way), key=lambda name: at[name])
    saves = at[ranked[1]] - at[ranked[0]]
    return {
        "phase": phase, "k": k, "dims": dims, "choice": ranked[0],
        "runner_up": ranked[1], "saves_us": saves, "low": saves * 0.8 - 20,
        "high": saves * 1.2 + 20, "matters": saves > 100, "in_path_us": at["in_path"],
        "offload_us": at[way], "offload_way": way, "exact_us": at["exact"],
        "network_break_even_ms": 0.3,
    }  # fmt: skip


def story(condition, article_ms, measured_ms, *, k=None, dims=None):
    return {
        "claim": f"it took {article_ms:g} ms", "article_ms": article_ms,
        "runtime": "workerd", "phase": "warm", "condition": condition, "k": k,
        "dims": dims, "bytes": None, "measured_ms": measured_ms,
        "low": measured_ms * 0.97, "high": measured_ms * 1.03,
        "reproduces": measured_ms >= article_ms,
    }  # fmt: skip
