"""Many runs in the order of time: each cell as a series, and where its level changed.

Runs of unlike machines, inputs or duration profiles are series of their own: nothing
between them is a change of the code. Versions of the runtime and the commit may change
inside a series; where its level does, they are named beside it. What is tested is the
run's estimate, one number a run, so what differs from run to run without a cause is in
the test, and no interval of a single run is trusted for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from bench.errors import UserError
from bench.verdict import _changepoints, _summaries
from bench.verdict._cells import KEY, matches
from bench.verdict._changepoints import Change
from bench.verdict._summaries import Summary
from bench.verdict._welch import welch
from bench.verdict.evidence import parts

if TYPE_CHECKING:
    from bench.progress import Progress
    from bench.store import Run

SCHEMA = 1
_CONFIDENCE = 0.95
_SOFTWARE = {"python": "Python", "workerd": "workerd", "v8": "V8"}
_DIGITS = 10  # of a commit
Row = dict[str, Any]


class _Key(NamedTuple):
    """What makes a series: a cell, and all that must be equal."""

    cell: str
    host: str
    alike: bytes


def document(
    results: Path,
    *,
    pattern: str = "",
    level: float = _changepoints.LEVEL,
    also: Run | None = None,
    progress: Progress | None = None,
) -> Row:
    """The finished runs of the folder ``results``, and the run ``also``, in order.

    ``pattern`` chooses cells. Every series has

        cell, runtime .. metric   the name of the cell, and its parts
        host, profile, seed, options, fixture_sha256
        points      run, created, ms, low, high, n: CPU with its 95 % interval
        changes     run (the first of the new level), index, before_ms, after_ms,
                    ratio, low, high, p, and ``changed``, what else did at this run
        why         why no change could be looked for; else blank

    ``rows`` has the changes of all series, the latest first; ``runs`` the runs that
    have a cell, ``unread`` those that could not be read, and why. Raises UserError
    where there is no such folder, or no cell.
    """
    summaries, unread = _summaries_of(results, progress)
    if also is not None:
        # It is being made, so that it is the last one whatever the clock said.
        summaries.append(_summaries.summarise(also))
    points: dict[_Key, list[tuple[Summary, _summaries.Estimate]]] = {}
    for summary in summaries:
        for name, estimate in summary.cells.items():
            if matches(name, pattern):
                points.setdefault(_key(summary, name), []).append((summary, estimate))
    if not points:
        raise UserError(
            f"no finished run has a cell that matches {pattern!r}",
            file=results,
            field="cell" if pattern else None,
            remedy="measure one with `bench stages`, or name another --results",
        )
    series = [_series(key.cell, found, level) for key, found in points.items()]
    used = {point["run"] for each in series for point in each["points"]}
    runs = [_run(summary) for summary in summaries if summary.run in used]
    return {
        "schema": SCHEMA,
        "run": runs[-1]["run"],
        "machine": {"host": runs[-1]["host"]},
        "command": "bench history",
        "pattern": pattern,
        "rules": {
            "method": "E-Divisive with Student's t-test",
            "level": level,
            "least": _changepoints.LEAST,
            "window": _changepoints.WINDOW,
        },
        "runs": runs,
        "unread": unread,
        "series": series,
        "rows": sorted(
            (
                {name: each[name] for name in ("cell", "host", "profile")} | change
                for each in series
                for change in each["changes"]
            ),
            key=lambda row: (row["created"], row["cell"]),
            reverse=True,
        ),
    }


def _summaries_of(
    results: Path, progress: Progress | None
) -> tuple[list[Summary], list[Row]]:
    """Summaries of the finished runs in order, and what could not be read."""
    from bench.store import list_runs

    if not results.is_dir():
        raise UserError(
            "is not a folder",
            file=results,
            field="--results",
            remedy="name a folder that holds runs",
        )
    found, unread = [], []
    listed = list_runs(results)
    if progress is not None:
        progress.expect(steps=len(listed))
    for run in listed:
        if run.state == "unreadable":
            unread.append({"run": run.folder, "why": run.why})
        if run.state != "finished" or not run.cells_finished:
            continue
        if progress is not None:
            progress.step(run.run)
        try:
            found.append(_summaries.read(results / run.folder, run.run))
        # A damaged Parquet file is an OSError or a ValueError of pyarrow.
        except (OSError, ValueError, KeyError, UserError) as error:
            unread.append({"run": run.folder, "why": str(error)})
    return found, unread


def _key(summary: Summary, name: str) -> _Key:
    fixture = parts(name.rpartition("/")[0])["fixture"]
    alike = {
        "machine": summary.machine,
        "profile": summary.profile,
        "seed": summary.seed,
        "options": summary.options,
        "fixture": summary.fixtures.get(fixture),
    }
    packed = orjson.dumps(alike, option=orjson.OPT_SORT_KEYS)
    return _Key(name, summary.host, packed)


def _series(
    name: str, found: Sequence[tuple[Summary, _summaries.Estimate]], level: float
) -> Row:
    summary = found[-1][0]
    place = parts(name.rpartition("/")[0]) | {"metric": name.rpartition("/")[2]}
    costs = [estimate.ms for _, estimate in found]
    sound = min(costs) > 0
    logs = [math.log(cost) for cost in costs] if sound else []
    changes = _changepoints.changes(logs, level) if sound else []
    return {
        "cell": name,
        **{part: place[part] for part in KEY},
        "host": summary.host,
        "profile": summary.profile,
        "seed": summary.seed,
        "options": summary.options,
        "fixture_sha256": summary.fixtures.get(place["fixture"]),
        "points": [
            {
                "run": each.run,
                "created": each.created,
                "ms": estimate.ms,
                "low": estimate.low,
                "high": estimate.high,
                "n": estimate.n,
            }
            for each, estimate in found
        ],
        "changes": _changes([each for each, _ in found], logs, changes),
        "why": _why(costs),
    }


def _why(costs: Sequence[float]) -> str:
    if min(costs) <= 0:
        return "a difference of two requests that was not above zero in a run"
    if len(costs) < 2 * _changepoints.LEAST:
        return f"a change takes {2 * _changepoints.LEAST} runs, and there are fewer"
    return ""


def _changes(
    runs: Sequence[Summary], logs: Sequence[float], found: Sequence[Change]
) -> list[Row]:
    levels = _changepoints.segments(len(logs), found)
    rows = []
    for change, before, after in zip(found, levels[:-1], levels[1:], strict=True):
        old, new = logs[slice(*before)], logs[slice(*after)]
        ratio, _ = welch(old, new, _CONFIDENCE)
        first = runs[change.index]
        rows.append(
            {
                "run": first.run,
                "created": first.created,
                "index": change.index,
                "before_ms": math.exp(fmean(old)),
                "after_ms": math.exp(fmean(new)),
                "ratio": math.exp(ratio.value),
                "low": math.exp(ratio.low),
                "high": math.exp(ratio.high),
                "p": change.p,
                "changed": list(_changed(runs[change.index - 1], first)),
            }
        )
    return rows


def _changed(before: Summary, after: Summary) -> Iterable[str]:
    """What else differs between two runs: versions, and the commit."""
    for name, label in _SOFTWARE.items():
        one, other = before.software.get(name), after.software.get(name)
        if one != other:
            yield f"{label} {one} to {other}"
    if before.commit != after.commit:
        one, other = (each.commit or "unknown" for each in (before, after))
        yield f"commit {one[:_DIGITS]} to {other[:_DIGITS]}"


def _run(summary: Summary) -> Row:
    names = ("run", "created", "command", "profile", "seed", "commit", "host")
    return {name: getattr(summary, name) for name in names} | {
        "software": summary.software,
        "cells": len(summary.cells),
    }
