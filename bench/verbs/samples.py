"""``bench samples``: the raw rows behind a number."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.errors import UserError
from bench.verbs import _options, _output

if TYPE_CHECKING:
    import pandas as pd

# The same in every row of a run, which a table leaves out.
_SAME = ("run", "host")


@click.command("samples")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--cell",
    "cells",
    multiple=True,
    metavar="ID",
    help="A cell of the manifest, or runtime/phase/invocation/stage/variant/fixture "
    "with * for any; may be repeated, for the rows of any of them.",
)
@click.option(
    "--where",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Only rows with this value; may be repeated, for rows with all of them.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated, all columns.")
@_options.common
def command(
    run: Path,
    cells: tuple[str, ...],
    where: tuple[str, ...],
    as_csv: bool,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Print the raw samples of RUN, one a row, as they were measured.

    RUN is a folder of results, finished or not. The report of a run names the cells of
    each of its numbers. With --out, a file gets them: .csv, .json or .parquet.
    """
    from bench.store import Run
    from bench.verdict import raw

    if as_csv and as_json:
        raise UserError(
            "cannot be given together with --json",
            field="--csv",
            remedy="leave one of them out",
        )
    opened = Run.open(run)
    rows = raw.select(opened.samples(), cells, where)
    document = {
        "schema": 1,
        "run": opened.id,
        "machine": opened.machine,
        "rows": [] if not (as_json or out) else rows.to_dict("records"),
    }
    if out is not None:
        _write(out, rows, document)
    if as_json:
        _output.emit_json(document)
    elif as_csv:
        _output.say(_csv(rows), nl=False)
    elif out is None:
        shown = rows.drop(columns=list(_SAME))
        _output.emit_table(list(shown.columns), shown.to_numpy().tolist())
    elif not quiet:
        _output.note(f"{len(rows):,} rows: {_output.short(out)}")


def _write(out: Path, rows: pd.DataFrame, document: dict[str, object]) -> None:
    """The rows as a file of the kind that its name ends in."""
    from bench.files import write_whole

    if out.suffix == ".parquet":
        buffer = io.BytesIO()
        rows.to_parquet(buffer, index=False)
        write_whole(out.absolute(), buffer.getvalue())
    elif out.suffix == ".csv":
        write_whole(out.absolute(), _csv(rows).encode())
    elif out.suffix == ".json":
        write_whole(out.absolute(), _output.encoded(document))
    else:
        raise UserError(
            "does not say which kind of file it is",
            file=out,
            field="--out",
            remedy="name it .csv, .json or .parquet",
        )


def _csv(rows: pd.DataFrame) -> str:
    return rows.to_csv(index=False, lineterminator="\n")
