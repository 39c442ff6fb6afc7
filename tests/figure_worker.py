"""A made-up, plausible document of `bench worker`."""

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
