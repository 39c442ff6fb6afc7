"""``bench list``: what exists here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bench.errors import UserError
from bench.verbs import _options, _output

Row = dict[str, Any]
_LONG = ("command", "commit")


def _runs(results: Path | None = None) -> list[Row]:
    from bench.store import RESULTS, list_runs

    return [asdict(run) for run in list_runs(results or RESULTS)]


def _fixtures() -> list[Row]:
    from bench import fixture_set

    return [
        {"kind": name, "files": ", ".join(module.FILES)}
        for name, module in fixture_set.kinds().items()
    ]


def _stages() -> list[Row]:
    from bench.path import INVOCATIONS, stages

    return [
        {"invocation": invocation, "stage": stage}
        for invocation in INVOCATIONS
        for stage in stages(invocation)
    ]


def _runtimes() -> list[Row]:
    from bench import runtimes

    return [
        {"runtime": name, "available": runtimes.load(name).unavailable() or "yes"}
        for name in runtimes.names()
    ]


def _parsers() -> list[Row]:
    from bench import parsers

    return [
        {
            "parser": name,
            "runtime": module.RUNTIME,
            "modes": ", ".join(
                mode
                for mode in parsers.MODES
                if module.reader(parsers.Question(mode, "transcript")) is not None
            ),
            "what": module.NOTE,
        }
        for name, module in parsers.load().items()
    ]


def _rerankers() -> list[Row]:
    from bench import rerankers

    return [
        {
            "reranker": name,
            "runtime": module.RUNTIME,
            "inputs": ", ".join(
                given for given in rerankers.INPUTS if module.ranker(given) is not None
            ),
            "what": module.NOTE,
        }
        for name, module in rerankers.load().items()
    ]


def _notebooks() -> list[Row]:
    from bench import batch

    return [
        {
            "notebook": path.stem,
            "parameters": ", ".join(batch.inspect(path)),
        }
        for path in batch.notebooks()
    ]


def _limits() -> list[Row]:
    from bench.platform import limit_profiles

    return [
        {"profile": name, "cpu_ms": profile.cpu_ms}
        for name, profile in limit_profiles().items()
    ]


def _platform() -> list[Row]:
    from bench.platform import tables

    found = [row for table in tables.TABLES for row in tables.rows(table)]
    return [
        {
            "id": row.id,
            "value": said.value,
            "unit": row.unit,
            "used": "yes" if number == 0 else "no",
            "source": said.source,
            "date": said.date or None,
        }
        for row in (tables.strict(row.id) for row in found)
        for number, said in enumerate(tables.values(row))
    ]


WHAT: dict[str, Callable[[], list[Row]]] = {
    "runs": _runs,
    "fixtures": _fixtures,
    "stages": _stages,
    "runtimes": _runtimes,
    "parsers": _parsers,
    "rerankers": _rerankers,
    "notebooks": _notebooks,
    "limits": _limits,
    "platform": _platform,
}


@click.command("list")
@click.argument("what", type=click.Choice(list(WHAT)))
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Of runs: the folder that holds them.  [default: results]",
)
@click.option(
    "--index",
    is_flag=True,
    help="Of runs: write index.html into that folder anew, a page over all of them.",
)
@_options.common
def command(
    what: str,
    results: Path | None,
    index: bool,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """List runs, fixtures, stages, runtimes, parsers, re-rankers and so on.

    Runs can be a page too, that is filtered and sorted in a browser: with --index, or
    with --out FILE.html for one elsewhere.
    """
    if what != "runs" and (index or results is not None):
        raise UserError(
            f"is about runs, and not about {what}",
            field="--index" if index else "--results",
            remedy="leave it out, or `bench list runs`",
        )
    if index or (what == "runs" and out is not None and out.suffix == ".html"):
        _page(results, out, index, quiet)
        if not as_json:
            return
        out = None
    rows = _runs(results) if what == "runs" else WHAT[what]()
    if _output.emit({"rows": rows}, as_json=as_json, out=out):
        return
    if not rows:
        _output.note(f"no {what} yet")
    else:
        # In a line of a terminal there is no room for these; JSON has them.
        header = [name for name in rows[0] if name not in _LONG or what != "runs"]
        _output.emit_table(header, [[row[name] for name in header] for row in rows])


def _page(results: Path | None, out: Path | None, index: bool, quiet: bool) -> None:
    """Write the page over all runs into their folder, or where ``out`` says."""
    from bench.files import write_whole
    from bench.report import _index
    from bench.store import RESULTS

    folder = results or RESULTS
    if index:
        written = _index.build(folder)
        if not quiet:
            _output.note(f"written: {_output.short(written)}")
    if out is not None:
        place = out.absolute()
        write_whole(place, _index.page(folder, place.parent).encode())
