"""Where should re-ranking happen: the answer of ``bench rerank`` in words.

Everything is read from the document: what the request of the article's job costs in
the path, which exact way costs the Worker least, where that changes, and whether the
article's 12 ms appear under any condition.
"""

from __future__ import annotations

from typing import Any

from bench.figures._axes import Estimate
from bench.figures._common import duration, number
from bench.figures._contest import (
    Row,
    estimate,
    job,
    limit,
    listed,
    main_job,
    spoken_job,
)
from bench.verdict.answer import percent
from bench.verdict.parsers import spent_text, story

_LOCKED = ("locked_us", "locked_low", "locked_high")
_WHOLE = ("worker_cpu_us", "worker_low", "worker_high")


def sentence(document: dict[str, Any]) -> str:
    """The answer: what the path costs, which way is cheapest, what of the story holds.

    It begins with what is inconclusive; where nothing was measured it says so.
    """
    options = [row for row in listed(document, "options") if charged(row)]
    if not options:
        return (
            "No request that re-ranks was measured to its end, so there is no answer."
        )
    main = main_job(options)
    parts = [
        _doubt(document),
        *(_in_path(document, row) for row in options if _is(row, main, "in_path")),
        *(_choice(row) for row in listed(document, "break_even") if job(row) == main),
        _elsewhere(document, main),
        story(document),
    ]
    return " ".join(part for part in parts if part)


def charged(row: Row) -> Estimate | None:
    """Us that an option costs the Worker: under the lock where that is known, else
    the CPU of its thread. None for one that failed."""
    if row.get("error"):
        return None
    return estimate(row, *_LOCKED) or estimate(row, *_WHOLE)


def _is(row: Row, main: tuple[int, int], option: str) -> bool:
    return job(row) == main and row.get("option") == option


def _doubt(document: Row) -> str:
    tables = listed(document, "tables")
    doubted = [table for table in tables if table.get("holds") is not True]
    if not doubted:
        return ""
    names = ", ".join(spoken_job(*job(table)) for table in doubted)
    return (
        f"Inconclusive for {names}: the reference differs from itself there, so the "
        "machine was not still."
    )


def _in_path(document: Row, row: Row) -> str:
    found, (name, limit_ms) = charged(row), limit(document)
    if found is None:
        return ""
    locked = estimate(row, *_LOCKED)
    what = "under the isolate lock" if locked else "of its thread's CPU"
    part = ""
    if limit_ms:
        share = percent(found.value / 1000 / limit_ms)
        part = f", {share} of the {limit_ms:,g} ms that {name} allows"
    return (
        f"A {row.get('phase')} request that re-ranks {spoken_job(*job(row))} values in "
        f"its path costs the Worker {spent_text(found)} {what}{part}."
    )


def _choice(row: Row) -> str:
    saves = number(row.get("saves_us"))
    if saves is None:
        return ""
    best, second, phase = (row.get(key) for key in ("choice", "runner_up", "phase"))
    if row.get("matters") is not True:
        return (
            f"Among exact ways it does not matter when {phase}: {best} is "
            f"{duration(saves)} below {second}, too little or too uncertain to count."
        )
    low, high = number(row.get("low")), number(row.get("high"))
    saved = spent_text(Estimate(saves, low, high))
    return f"Cheapest of the exact ways when {phase} is {best}, {saved} below {second}."


def _elsewhere(document: Row, main: tuple[int, int]) -> str:
    """Where on the map another choice than at the main job matters."""
    rows = listed(document, "break_even")
    mine = {row.get("phase"): row.get("choice") for row in rows if job(row) == main}
    other = [
        f"{row.get('choice')} at {spoken_job(*job(row))} {row.get('phase')}"
        for row in rows
        if row.get("matters") is True
        and row.get("phase") in mine
        and row.get("choice") != mine[row.get("phase")]
    ]
    if not other:
        return ""
    rest = f" and at {len(other) - 3} more" if len(other) > 3 else ""
    return f"Elsewhere another choice matters: {', '.join(other[:3])}{rest}."
