"""Runs that hold a few made-up samples, for the claims that read them."""

from __future__ import annotations

from matrix_support import DESCRIBED

from bench.store import Run
from bench.verdict.claims import _claim

LOADED = _claim.load()


def row_of(document, ident):
    [row] = [row for row in document["rows"] if row["id"] == ident]
    return row


def samples(place, values, unit, metric):
    """Rows at a place: a list of values for each process."""
    blank = dict.fromkeys(("invocation", "fixture"), "")
    for process, mine in enumerate(values):
        for seq, value in enumerate(mine):
            yield blank | place | {
                "process": process, "seq": seq, "metric": metric, "unit": unit,
                "value": value,
            }  # fmt: skip


def run_with(folder, *groups):
    """A finished run that holds only these rows."""
    with Run.create(folder, fixtures={}, **DESCRIBED) as run:
        for number, rows in enumerate(groups):
            with run.cell({"group": number}) as cell:
                cell.add(rows)
        run.seal()
    return Run.open(folder)


def place_of(claim, which="sample"):
    place = dict(getattr(LOADED[claim], which))
    return {"runtime": "workerd", "phase": "warm"} | place, place.pop("metric")


def at(claim, values, unit, which="sample"):
    place, metric = place_of(claim, which)
    del place["metric"]
    return list(samples(place, values, unit, metric))


def empty_run(folder):
    """A run that holds nothing that a claim is about."""
    only = {"runtime": "cpython", "phase": "warm", "stage": "sentinel"}
    return run_with(folder, list(samples(only, [[1.0]], "ms", "cpu")))
