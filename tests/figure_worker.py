"""Made-up, plausible documents of `bench worker`."""

from __future__ import annotations

from figure_contests import HEAD
from figure_support import interval

ROUTES = {"GET /": (0.3, 120), "POST /orders": (2.4, 30), "GET /$x_{1}": (8.1, 1)}
STACKS = {
    ("fetch src/index.ts:4", "route src/route.ts:9", "parse src/x.ts:3"): 1.2,
    ("fetch src/index.ts:4", "route src/route.ts:9", "(anonymous) src/x.ts:9"): 0.4,
    ("fetch src/index.ts:4",): 0.2,
    ("(garbage collector)",): 0.1,
}


def worker(routes=tuple(ROUTES)):
    """The document; every route in both phases."""
    rows = [
        {
            "runtime": "workerd", "route": route, "phase": phase, "asked": asked,
            "cpu_ms": ms + 0.3, **interval(ms + 0.3), "locked_ms": ms,
            "locked_low": ms * 0.98, "locked_high": ms * 1.02, "wall_ms": 2 * ms,
            "subrequests": 2, "n": 6, "error": None,
        }
        for route, (warm, asked) in ROUTES.items()
        if route in routes
        for phase, ms in (("warm", warm), ("cold", 3 * warm))
    ]  # fmt: skip
    return HEAD | {
        "command": "bench worker mine",
        "rows": rows,
        "totals": [],
        "flame": [
            {"stack": list(stack), "self_ms": ms} for stack, ms in STACKS.items()
        ],
    }


def versions(routes=tuple(ROUTES)):
    """The document of two versions; one route is slower, one cannot be told."""
    found = {"GET /": (1.0, "same"), "POST /orders": (1.3, "slower")}
    rows = []
    for route in ("all requests", *routes):
        ratio, verdict = found.get(route, (1.02, "inconclusive"))
        rows.append(
            {
                "route": route, "asked": 120, "old_ms": 2.0, "new_ms": 2.0 * ratio,
                "ratio": ratio, "low": ratio * 0.99, "high": ratio * 1.01,
                "control": 1.0, "control_low": 0.99, "control_high": 1.01,
                "verdict": verdict, "why": "", "answers": "same", "n": 6,
            }
        )  # fmt: skip
    return HEAD | {
        "command": "bench worker mine --against old",
        "rules": {"within": 0.02, "confidence": 0.9925},
        "rows": rows,
    }
