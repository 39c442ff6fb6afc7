"""The document of `bench calibrate`: the factor, what it rests on, what to doubt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from bench.errors import UserError
from bench.files import write_whole
from bench.store import Run
from bench.transfer import LEAST, MOST, NAME, SCHEMA, Transfer, likelihood, sources
from bench.transfer.fit import MANY_KILLED, MANY_ZEROS, SHORT, Fit, fit
from bench.transfer.local import Local, local
from bench.transfer.sources import graphql
from bench.transfer.sources._reading import TOLERATED, Reading
from bench.verdict.answer import TRANSFER_HIGH, TRANSFER_LOW, percent

FEW = 10
"""Whole requests below which a factor is shown, but no verdict may rest on it."""

_MOSTLY, _WIDE = 0.8, 0.3
_CUT, _KILLED = 0.2, 0.2
_ENDED = ("outcome canceled", "outcome responseStreamDisconnected")
# An interval that reaches so near to the factors that are believed is one-sided.
_NEAR = 1.01


def calibrate(
    paths: Sequence[Path],
    run: Run,
    *,
    workload: str | None = None,
    format: str | None = None,
    requests: int | None = None,
) -> tuple[Transfer, dict[str, Any]]:
    """The factor from the logs ``paths`` against a workload of ``run``, and its
    document: ``schema``, ``run``, ``machine``, the fields of ``Transfer``, and

        rows, bad    rows of the logs, and the first that could not be read:
                     {file, line, why}
        method       what was assumed and is not measured

    Raises UserError for logs that cannot be read or a run without the workload,
    InconclusiveError where too few requests count.
    """
    here = local(run, workload)
    found = sources.read(paths, format=format, requests=requests)
    fitted = fit(found, here)
    transfer = Transfer(
        factor=fitted.factor,
        low=fitted.low,
        high=fitted.high,
        n=found.n,
        censored=found.censored,
        source=found.source,
        workload=here.workload,
        doubts=tuple(_doubts(found, here, fitted)),
        bad_rows=found.bad_rows,
        left_out=found.left_out,
        spread=fitted.spread,
        cold_share=fitted.cold_share,
    )
    document = {"schema": SCHEMA, "run": run.id, "machine": run.machine}
    document |= transfer.as_row()
    document["rows"] = found.rows
    document["bad"] = [
        {"file": name, "line": bad.line, "why": bad.why} for name, bad in found.bad
    ]
    document["method"] = _method()
    return transfer, document


def too_few(transfer: Transfer) -> str | None:
    """Why no verdict may rest on it, None where it may."""
    whole = transfer.n - transfer.censored
    if whole >= FEW:
        return None
    return (
        f"only {whole} whole requests count, and a verdict needs {FEW}: no run keeps "
        "this factor\n  remedy: log more requests"
    )


def keep(run: Run, document: dict[str, Any]) -> Path:
    """Write ``document`` into ``run``, whose other files stay as they are.

    Raises UserError where the run keeps another one.
    """
    path, data = run.path / NAME, encoded(document)
    if path.exists():
        if path.read_bytes() == data:
            return path
        raise UserError(
            "the run keeps another factor already",
            file=path,
            remedy="remove that file if it is no longer wanted, or write this one "
            "elsewhere with --out",
        )
    write_whole(path, data)
    return path


def encoded(document: dict[str, Any]) -> bytes:
    """``document`` as JSON, the same bytes for the same content."""
    return orjson.dumps(
        document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    )


def _method() -> dict[str, Any]:
    return {
        "law": "factor * local * exp(spread * Z), local cold with probability "
        "cold_share, else warm",
        "rounding": "whole ms are rounded down; a killed request took at least its ms",
        "confidence": 0.95,
        "factor_least": LEAST,
        "factor_most": MOST,
        "cold_share_most": likelihood.MOST_COLD,
        "spread_least": likelihood.NARROWEST,
        "spread_most": likelihood.WIDEST,
        "without_cold_below": SHORT,
        "without_cold_killed": MANY_KILLED,
        "without_cold_zeros": MANY_ZEROS,
        "graphql_requests_most": graphql.RESERVOIR,
        "bad_tolerated": TOLERATED,
    }


def _doubts(found: Reading, here: Local, fitted: Fit) -> Iterator[str]:
    """What a reader should know before believing the factor."""
    whole = found.n - found.censored
    if here.assumed:
        yield f"no --workload was named: the log is taken to be of {here.workload}"
    if whole < SHORT:
        yield f"few requests: {whole}"
    yield from _of_rounding(found, fitted)
    if fitted.high / fitted.low > TRANSFER_HIGH / TRANSFER_LOW:
        yield (
            f"the interval is wider than the {TRANSFER_LOW:g} to {TRANSFER_HIGH:g} "
            "that are taken without a log"
        )
    if fitted.spread is not None and fitted.spread > max(_WIDE, _spread(here)):
        yield (
            f"costs spread more than here (by {fitted.spread:.2f} in logarithms): "
            "perhaps other requests than the workload's"
        )
    if fitted.cold_share is not None and fitted.cold_share > 0.5:
        yield f"{percent(fitted.cold_share)} of the requests look cold"
    if fitted.all_cold is not None:
        yield (
            "if every request was the first of its isolate, a factor of "
            f"{fitted.all_cold:.2g} would suit as well"
        )
    if found.profile is None and not here.cold:
        yield "this run has too few cold requests: all are taken to be warm"
    if found.workers > 1:
        yield f"requests of {found.workers} Workers are mixed in the log"
    if found.censored > _KILLED * found.n:
        yield (
            f"{percent(found.censored / found.n)} of the requests were killed: the "
            "whole ones are the cheaper part"
        )
    cut = sum(found.left_out.get(name, 0) for name in _ENDED)
    if cut > _CUT * (cut + found.n):
        yield (
            f"{percent(cut / (cut + found.n))} of the requests were left by their "
            "clients; those that stayed may be the shorter ones"
        )
    yield from found.notes


def _of_rounding(found: Reading, fitted: Fit) -> Iterator[str]:
    if len(found.spans):
        low, high, many = found.spans.T
        share = float(many[(low == 0) & (high == 1)].sum() / many.sum())
        if share > _MOSTLY:
            yield f"{percent(share)} of the requests read 0 ms: anything below 1"
    if fitted.low < LEAST * _NEAR:
        yield "only the upper end is known: the lower one is the least that is believed"
    if fitted.high > MOST / _NEAR:
        yield "only the lower end is known: the upper one is the most that is believed"


def _spread(here: Local) -> float:
    """Standard deviation of the logarithms of warm requests here."""
    logs = [np.log(np.maximum(group, 1e-6)) for group in here.warm.values()]
    return float(np.concatenate(logs).std())
