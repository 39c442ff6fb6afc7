"""What verbs print: results on stdout, everything else on stderr."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.errors import CellsFailedError, InconclusiveError, writing

if TYPE_CHECKING:
    from bench.store import Run


def emit(parts: dict[str, Any], *, as_json: bool, out: Path | None) -> bool:
    """Results of a verb that makes no run: as JSON on stdout, or in the file ``out``.

    ``parts`` follow schema, run (none) and machine, which every document has. False
    when stdout is still to get a text, which the caller knows.
    """
    from bench import machine
    from bench.files import write_whole

    if not as_json and out is None:
        return False
    facts = machine.collect()
    document = {"schema": 1, "run": None, "machine": facts} | parts
    if out is not None:
        write_whole(out.absolute(), encoded(document))
    if as_json:
        emit_json(document)
    return as_json


def emit_json(document: Any) -> None:
    """One JSON document on stdout. A number that JSON has no word for becomes null."""
    say(encoded(document), nl=False)


def say(text: str | bytes, *, nl: bool = True) -> None:
    """Print results on stdout; a reader that has gone wants no more of them.

    Raises UserError when what stdout leads to is full.
    """
    try:
        click.echo(text, nl=nl)
    except BrokenPipeError:
        _silence_stdout()
    except OSError:
        _silence_stdout()
        with writing("standard output"):
            raise


def _silence_stdout() -> None:
    # What could not be written is tried again at exit, and would fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def encoded(document: Any) -> bytes:
    """``document`` as indented JSON, which has null for infinities and NaN."""
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(finite(document), option=options)


def finite(value: Any) -> Any:
    """``value`` with infinities and NaN, which JSON cannot say, as None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def emit_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Aligned columns on stdout; numbers to the right."""
    cells = [[_text(item) for item in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    right = [
        bool(rows) and all(isinstance(row[i], int | float) for row in rows)
        for i in range(len(header))
    ]
    for line in ([*header], *cells):
        parts = [
            item.rjust(width) if to_right else item.ljust(width)
            for item, width, to_right in zip(line, widths, right, strict=True)
        ]
        say("  ".join(parts).rstrip())


def _text(item: Any) -> str:
    return "-" if item is None else str(item)


def short(path: Path) -> str:
    """``path`` relative to the working folder where that is shorter."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def note(text: str) -> None:
    """A message for the user, on stderr."""
    click.echo(text, err=True)


def finish(run: Run, name: str, document: dict[str, Any], text: str | None) -> None:
    """Keep the ``document`` of a measurement in ``run`` as ``name``, seal, print.

    ``text`` is what to print, None for the document itself. Raises CellsFailedError
    where a cell failed, InconclusiveError where a control does not hold.
    """
    import orjson

    from bench import report
    from bench.report._contests import KINDS

    run.save(name, orjson.dumps(finite(document)))
    failed = document["errors"]
    reported = name.removesuffix(".json") in KINDS
    if reported:
        report.build(run.path)
    run.seal("failed" if failed else "finished")
    refresh(run.path)
    if text is None:
        emit_json(document)
    else:
        say(text)
        note(f"samples: {short(run.path / 'samples.parquet')}")
        if reported:
            note(f"report:  {short(run.path / 'report.html')}")
    if failed:
        raise CellsFailedError("; ".join(failed))
    # What is replayed and not compared has no controls.
    tables = document.get("tables", [])
    doubted = [table for table in tables if not table["holds"]]
    if doubted:
        raise InconclusiveError(
            f"the controls of {len(doubted)} of {len(tables)} tables "
            "differ from 1: the machine was not still"
        )


def refresh(run: Path) -> None:
    """Make the page over all runs anew, where ``run`` is one of the project's."""
    from bench.report import _index

    if doubt := _index.refresh(run):
        note(doubt)


def derived(
    name: str, document: dict[str, Any], out: Path | None, quiet: bool, **texts: str
) -> None:
    """Write what a verb derived from a run into the new folder ``out``, if any.

    That is ``<name>.json``, the figure of the same name, and each of ``texts`` as
    ``<name>.<ending>``. Raises UserError where the disk refuses.
    """
    if out is None:
        return
    import pandas as pd

    from bench import figures
    from bench.files import write_whole
    from bench.platform import limit_profile

    with writing(out):
        out.mkdir(parents=True)
    write_whole(out / f"{name}.json", encoded(document))
    for ending, text in texts.items():
        write_whole(out / f"{name}.{ending}", text.encode())
    figure = figures.load()[name]
    drawn, data = figure.draw(document, pd.DataFrame(), limit_profile("free"))
    figures.sign(drawn, document)
    figures.save(out / "figures", name, drawn, data)
    if not quiet:
        note(f"written: {short(out)}")
