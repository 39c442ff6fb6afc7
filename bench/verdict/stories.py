"""The article's two stories, 4 ms and 12 ms, against what was measured.

Which conditions reproduce them, if any: each row is one condition, and ``reproduces``
where its interval reaches the article's number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.measure.statistics import Interval, mean_interval
from bench.verdict.switch import Line, spoken_size

Row = dict[str, Any]

PARSE_MS, PARSE_BYTES = 4.0, 18_000
"""`JSON.parse` of an 18 KB diarised transcript took 4 ms, says the article."""
RERANK_MS = 12.0
"""Scoring the top 8 of 1,536 dimensions again took 12 ms, says the article."""
_RERANK_K, _RERANK_DIMS = 8, 1536
_PARSE, _RERANK = "parsing 18 KB took 4 ms", "re-ranking 8 x 1,536 took 12 ms"


def parse(
    rows: Sequence[Row], lines: Mapping[tuple[str, str, str], Line], cold: Sequence[Row]
) -> Iterator[Row]:
    """Conditions of the first story: each parser and mode at the main body, warm and in
    the first request of an isolate (``cold``), and the size that takes 4 ms."""
    main = rows[0]["fixture"] if rows else ""
    for row in rows:
        if row["fixture"] == main and row["cpu_us"]:
            yield _story(
                _PARSE,
                PARSE_MS,
                row,
                "warm",
                f"{row['parser']}, {row['mode']}, {main}",
                (row["cpu_us"], row["low"], row["high"]),
            )
    for row in cold:
        spent = (row["cpu_us"], row["low"], row["high"])
        condition = f"{row['parser']}, {row['mode']}, first request of an isolate"
        yield _story(_PARSE, PARSE_MS, row, "cold", condition, spent)
    for (parser, mode, family), line in lines.items():
        if mode != "full" or family != "transcript":
            continue
        size = _size_at(line, PARSE_MS * 1000)
        if size is None:
            continue
        runtime = next(row["runtime"] for row in rows if row["parser"] == parser)
        yield {
            "claim": _PARSE,
            "article_ms": PARSE_MS,
            "runtime": runtime,
            "phase": "warm",
            "condition": f"{parser} takes {PARSE_MS:g} ms at {spoken_size(size.value)}",
            "k": None,
            "dims": None,
            "bytes": size.value,
            "measured_ms": PARSE_MS,
            "low": None,
            "high": None,
            "reproduces": size.low <= PARSE_BYTES,
        }


def _size_at(line: Line, us: float) -> Interval | None:
    if min(line.per_byte) <= 0:
        return None
    return mean_interval(
        [(us - a) / b for a, b in zip(line.fixed, line.per_byte, strict=True)]
    )


def rerank(rows: Sequence[Row], options: Sequence[Row]) -> Iterator[Row]:
    """Conditions of the second story: every backend and every option at the article's
    job, and the smallest job that takes as long in the path of a Worker."""
    for row in rows:
        if (row["k"], row["dims"]) == (_RERANK_K, _RERANK_DIMS) and row["cpu_us"]:
            spent = (row["cpu_us"], row["low"], row["high"])
            condition = f"{row['backend']}, values as {row['input']}"
            yield _story(_RERANK, RERANK_MS, row, "warm", condition, spent)
    for row in options:
        if row["error"] or row["option"] != "in_path":
            continue
        kind = "locked" if row.get("locked_us") is not None else "worker"
        value = row["locked_us" if kind == "locked" else "worker_cpu_us"]
        spent = (value, row[f"{kind}_low"], row[f"{kind}_high"])
        place = {**row, "runtime": "workerd"}
        size = f"{row['k']} x {row['dims']:,}"
        condition = f"request that re-ranks {size} in its path"
        is_job = (row["k"], row["dims"]) == (_RERANK_K, _RERANK_DIMS)
        if is_job or value >= RERANK_MS * 1000:
            yield _story(_RERANK, RERANK_MS, place, row["phase"], condition, spent)


def _story(
    claim: str,
    article_ms: float,
    row: Row,
    phase: str,
    condition: str,
    spent: tuple[float, float | None, float | None],
) -> Row:
    value, low, high = (None if us is None else us / 1000 for us in spent)
    return {
        "claim": claim,
        "article_ms": article_ms,
        "runtime": row["runtime"],
        "phase": phase,
        "condition": condition,
        "k": row.get("k"),
        "dims": row.get("dims"),
        "bytes": row.get("bytes"),
        "measured_ms": value,
        "low": low,
        "high": high,
        "reproduces": high is not None and high >= article_ms,
    }
