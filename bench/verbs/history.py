"""``bench history``: every finished run, cell by cell, and where a level changed."""

from __future__ import annotations

from pathlib import Path

import click

from bench.verbs import _options, _output


@click.command("history")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder of runs.  [default: results]",
)
@click.option(
    "--cell",
    "pattern",
    default="",
    metavar="PATTERN",
    help="Only cells whose name has this text, or matches this glob.",
)
@_options.common
def command(
    results: Path | None,
    pattern: str,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Show each cell over all finished runs, and where its cost changed for good.

    Nothing is measured. Runs of unlike machines or inputs are series of their own. With
    --out, a folder gets history.json, history.html (one file, works offline) and the
    figure.
    """
    from bench.progress import Progress
    from bench.report import _history
    from bench.store import RESULTS
    from bench.verdict import history

    with Progress(quiet=quiet) as progress:
        document = history.document(
            results or RESULTS, pattern=pattern, progress=progress
        )
    document = _output.finite(document)
    texts = {} if out is None else {"html": _history.page(document)}
    _output.derived("history", document, out, quiet, **texts)
    if as_json:
        _output.emit_json(document)
    else:
        _output.say(_history.terminal(document))
