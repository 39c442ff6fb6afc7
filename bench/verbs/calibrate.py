"""``bench calibrate``: how much a millisecond of this machine is in production."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.verbs import _options, _output

if TYPE_CHECKING:
    from bench.transfer import Transfer


@click.command("calibrate")
@click.argument(
    "logs", nargs=-1, required=True, metavar="LOG...", type=click.Path(path_type=Path)
)
@click.option(
    "--format",
    help="Kind of the logs: tail, logpush, workers_logs, graphql, "
    "pprof or pairs. Without it, their heads tell.",
)
@click.option(
    "--run",
    "folder",
    type=click.Path(path_type=Path),
    help="Run to compare with, which then keeps the factor. Without it, the latest "
    "that has workloads, else the reference, and nothing is kept.",
)
@click.option("--workload", help="The row of the matrix that production serves.")
@click.option(
    "--requests",
    type=click.IntRange(min=1),
    help="Requests that a pprof profile covers.",
)
@_options.common
def command(
    logs: tuple[Path, ...],
    format: str | None,
    folder: Path | None,
    workload: str | None,
    requests: int | None,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Fit the transfer factor from production CPU in LOG, against a measured workload.

    Only numbers and outcomes are taken from LOG. With --run and without --out, the run
    gets the result as transfer.json, and its verdicts use it from then on.
    """
    from bench.errors import InconclusiveError
    from bench.files import write_whole
    from bench.transfer import calibrate
    from bench.verdict import evidence

    run = evidence.chosen(folder)
    transfer, document = calibrate.calibrate(
        logs, run, workload=workload, format=format, requests=requests
    )
    few = calibrate.too_few(transfer)
    if out is not None:
        write_whole(out.absolute(), calibrate.encoded(document))
    elif folder is not None and few is None:
        kept = calibrate.keep(run, document)
        if not quiet:
            _output.note(f"kept: {_output.short(kept)}")
    if as_json:
        _output.emit_json(document)
    else:
        _output.say(_text(transfer, run.id))
    if few is not None:
        raise InconclusiveError(few)


def _text(transfer: Transfer, run: str) -> str:
    """The result for a terminal."""
    killed = f", {transfer.censored:,} of them killed" if transfer.censored else ""
    lines = [
        f"A millisecond of {run} is {transfer.factor:.3g} ms of production "
        f"[{transfer.low:.3g}, {transfer.high:.3g}].",
        f"From {transfer.n:,} requests{killed}, in {transfer.source}; here it was the "
        f"workload {transfer.workload}.",
    ]
    if transfer.left_out or transfer.bad_rows:
        many = [f"{n:,} {why}" for why, n in transfer.left_out.items()]
        many += [f"{transfer.bad_rows:,} unreadable"] if transfer.bad_rows else []
        lines.append(f"Left out: {', '.join(many)}.")
    lines += [f"Doubt: {doubt}." for doubt in transfer.doubts]
    return "\n".join(lines)
