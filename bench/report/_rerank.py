"""The tables of ``bench rerank``: a terminal, a page and a notebook show the same."""

from __future__ import annotations

from bench.figures._axes import Estimate
from bench.figures._common import number, spoken
from bench.figures._contest import (
    Row,
    cost,
    estimate,
    job,
    limit,
    listed,
    main_job,
    ratio,
    spoken_job,
)
from bench.figures.rerank_ratios import backends
from bench.report import _shape
from bench.report._compared import (
    MICRO,
    by_runtime,
    controls,
    count,
    failures,
    kilobytes,
    times,
    told,
    with_ends,
)
from bench.report._evidence import Table
from bench.verdict.claims._ground import named
from bench.verdict.raw import pattern

_LOCKED = ("locked_us", "locked_low", "locked_high")
_WHOLE = ("worker_cpu_us", "worker_low", "worker_high")
_WAYS = ("in_path", "exact", "offload")


def rerankers(document: Row) -> Table:
    """Every re-ranker at the main job, by the form in which the values came."""
    found = backends(document)
    main = main_job(found)
    mine = [row for row in found if job(row) == main]
    rows = [
        [
            f"{row.get('backend')}, {row.get('input')}",
            spoken(row.get("runtime")),
            with_ends(cost(row)),
            times(ratio(row)),
            count(row.get("n")),
        ]
        for row in by_runtime(mine)
    ]
    origins = [_ranked(row) for row in by_runtime(mine)]
    head = ["re-ranker, values as", "runtime", f"CPU ({MICRO})", "to pure Python", "n"]
    notes = failures(found, "backend", "input", "k", "dims") + controls(
        document, ("k", "dims")
    )
    return Table(head, rows, notes, origins)


def _ranked(row: Row) -> list[str]:
    """A re-ranker's samples, and those of the pure Python that its ratio is to."""
    here = {"phase": "warm", "invocation": "rerank", "fixture": _size(row)}
    own = {"runtime": row.get("runtime"), "stage": row.get("input")}
    return [
        pattern(**here, **own, variant=row.get("backend")),
        pattern(**here, runtime="cpython", stage="lists", variant="pure_python"),
    ]


def _size(row: Row) -> str:
    """A job as samples name it."""
    return f"{row.get('k')}x{row.get('dims')}"


def _offloaded(row: Row) -> list[str]:
    """The requests of an option at a job, of every option where none is named."""
    option = {"stage": row["option"]} if "option" in row else {}
    phase, size = row.get("phase"), _size(row)
    return [pattern(phase=phase, invocation="offload", fixture=size, **option)]


def options(document: Row) -> Table:
    """What a Worker still pays for each way to re-rank, at the main job, in ms."""
    found = listed(document, "options")
    main = main_job(found)
    mine = [row for row in found if job(row) == main]
    limit_ms = limit(document)[1]
    rows = [
        [
            f"{row.get('option')}, {row.get('phase')}",
            with_ends(_charged(row), 1e-3),
            _share(row, limit_ms),
            with_ends(_whole(row), 1e-3).partition(" ")[0],
            _shape.ms(row.get("round_trip_ms")),
            f"{kilobytes(row.get('request_bytes'))} / "
            f"{kilobytes(row.get('response_bytes'))}",
            count(row.get("n")),
        ]
        for row in mine
    ]
    head = ["option", "charged (ms)", "of limit", "whole (ms)", "trip (ms)"]
    notes = failures(found, "option", "k", "dims", "phase")
    head = [*head, "out / in (KB)", "n"]
    return Table(head, rows, notes, list(map(_offloaded, mine)))


def _charged(row: Row) -> Estimate | None:
    return None if row.get("error") else estimate(row, *_LOCKED)


def _whole(row: Row) -> Estimate | None:
    return None if row.get("error") else estimate(row, *_WHOLE)


def _share(row: Row, limit_ms: float | None) -> str:
    found = _charged(row)
    if found is None or not limit_ms:
        return _shape.MISSING
    return _shape.share(found.value / 1000 / limit_ms)


def latency(document: Row) -> Table:
    """How long a request of the main job takes in ms, a network added to each call of
    the service; loopback alone is the first column."""
    found = listed(document, "options")
    main = main_job(found)
    added = [
        ms for n in document.get("network_ms") or [] if (ms := number(n)) is not None
    ]
    trips = [
        (row, trip)
        for row in found
        if job(row) == main and (trip := number(row.get("round_trip_ms"))) is not None
    ]
    rows = [
        [
            f"{row.get('option')}, {row.get('phase')}",
            *(_shape.ms(trip + ms * _calls(row)) for ms in added),
        ]
        for row, trip in trips
    ]
    head = ["option", *(f"+ {ms:g} ms" for ms in added)]
    return Table(head, rows, [], [_offloaded(row) for row, _ in trips])


def _calls(row: Row) -> int:
    """How often an option calls the service."""
    return int(str(row.get("option")).startswith("offload"))


def break_even(document: Row) -> Table:
    """The cheapest exact way at every job, what each way costs, and what it saves."""
    rows = [
        [
            f"{spoken_job(*job(row))}, {row.get('phase')}",
            str(row.get("choice")),
            *(_way(row, way) for way in _WAYS),
            with_ends(estimate(row, "saves_us", "low", "high"), 1e-3),
            "yes" if row.get("matters") is True else "no",
        ]
        for row in listed(document, "break_even")
    ]
    head = ["job", "cheapest", "in path", "exact", "offload", "saves", "matters"]
    beyond = {
        job(row): f"{spoken_job(*job(row))}: {row['beyond']}"
        for row in listed(document, "options")
        if row.get("beyond")
    }
    found = listed(document, "break_even")
    return Table(head, rows, list(beyond.values()), list(map(_offloaded, found)))


def _way(row: Row, way: str) -> str:
    us = number(row.get(f"{way}_us"))
    return _shape.MISSING if us is None else _shape.ms(us / 1000)


def stories(document: Row) -> Table:
    """The article's 12 ms, against every re-ranker and the requests that re-rank."""
    ranked = {
        (f"{row.get('backend')}, values as {row.get('input')}", "warm"): _ranked(row)
        for row in backends(document)
        if job(row) == main_job(backends(document))
    }
    requests = {
        (_request(row), str(row.get("phase"))): _offloaded(row)
        for row in listed(document, "options")
        if row.get("option") == "in_path"
    }
    return told(document, "rerank", ranked | requests)


def _request(row: Row) -> str:
    k, dims = job(row)
    return f"request that re-ranks {k} x {dims:,} in its path"


def service(document: Row) -> Table:
    """What the service itself pays for a query, by the number of queries at once."""
    rows = [
        [
            f"{row.get('body')}, {count(row.get('batch'))} at once",
            f"{row.get('device')}, {row.get('backend')}",
            spoken_job(*job(row)),
            _shape.ms(row.get("cpu_us_per_query")),
            _shape.ms(row.get("wall_us_per_query")),
            count(row.get("n")),
        ]
        for row in listed(document, "service")
    ]
    head = ["queries", "computed on", "job", f"CPU a query ({MICRO})"]
    head = [*head, f"wall a query ({MICRO})", "n"]
    found = listed(document, "service")
    return Table(head, rows, [], list(map(_served, found)))


def _served(row: Row) -> list[str]:
    """The row of the document: readings of the service are no samples of the run."""
    keys = ("device", "body", "batch", "k", "dims")
    return [named("rerank.json", "service", **{key: str(row.get(key)) for key in keys})]
