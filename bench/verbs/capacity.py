"""``bench capacity``: what breaks first, at which rate, and what it costs."""

from __future__ import annotations

from pathlib import Path

import click

from bench.errors import UserError
from bench.verbs import _options, _output


@click.command("capacity")
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option(
    "--trace",
    type=click.Path(path_type=Path),
    help="A recording: Azure, Mooncake, BurstGPT, Logpush, tail, or a table.",
)
@click.option("--rate", type=float, help="Requests a second, instead of a trace.")
@click.option(
    "--duration", help="How long that rate lasts: 24h, 90m, 30s or 7d.  [default: 24h]"
)
@click.option(
    "--cv",
    type=float,
    help="Variation of its gaps at a location.  [default: 1, Poisson]",
)
@click.option(
    "--format", "form", help="Format of the trace, where its head is unclear."
)
@click.option("--columns", help="Columns of a table: time=ts,context=in,generated=out.")
@click.option(
    "--volume",
    type=float,
    default=1.0,
    show_default=True,
    help="So many such traces at a time, or a part of one.",
)
@click.option(
    "--speed",
    type=float,
    default=1.0,
    show_default=True,
    help="How many times faster the trace goes by.",
)
@click.option("--workload", help="A row of the matrix.  [default: rag_simple]")
@click.option(
    "--limits",
    "names",
    multiple=True,
    help="A limit profile; may be repeated. All of them without it.",
)
@click.option(
    "--locations", type=int, help="Locations that take traffic.  [default: 300]"
)
@click.option(
    "--assume",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another value for an assumption, such as idle_s=120; may be repeated.",
)
@click.option(
    "--check", is_flag=True, help="Simulate a small case in SimPy too, and compare."
)
@_options.common
def command(
    run: Path | None,
    trace: Path | None,
    rate: float | None,
    duration: str | None,
    cv: float | None,
    form: str | None,
    columns: str | None,
    volume: float,
    speed: float,
    workload: str | None,
    names: tuple[str, ...],
    locations: int | None,
    assume: tuple[str, ...],
    check: bool,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Plan for the traffic of a trace or a rate, with the samples of RUN.

    Nothing is measured, and nothing is written into RUN: a folder of results, and
    without one the latest that has workloads, else the reference. With --out, a folder
    gets capacity.json, capacity.md and the figures.
    """
    from bench.platform import limit_profile
    from bench.progress import Progress
    from bench.report import _capacity
    from bench.verdict import _capacity_traffic as traffic
    from bench.verdict import capacity, evidence
    from bench.verdict._capacity_assumed import Assumed, from_text

    profiles = [limit_profile(name) for name in dict.fromkeys(names)]
    guesses: dict[str, float] = from_text(assume)
    if locations is not None:
        guesses["locations"] = float(locations)
    assumed = Assumed().replaced(guesses)
    if (trace is None) == (rate is None):
        raise UserError(
            "the traffic is a trace or a rate",
            field="traffic",
            remedy="give one of --trace FILE and --rate N",
        )
    source = evidence.chosen(run)
    if trace is not None:
        _unused({"--duration": duration, "--cv": cv}, "--rate")
        expected = traffic.of_trace(
            trace,
            format=form,
            columns=traffic.columns_of(columns),
            volume=volume,
            speed=speed,
            seed=seed,
        )
    else:
        scaled = {"--volume": volume != 1.0 or None, "--speed": speed != 1.0 or None}
        _unused({"--format": form, "--columns": columns, **scaled}, "--trace")
        lasts = traffic.seconds(traffic.DURATION if duration is None else duration)
        expected = traffic.of_rate(rate or 0.0, lasts, 1.0 if cv is None else cv)
    with Progress(seconds=capacity.seconds(expected), quiet=quiet) as progress:
        document = capacity.document(
            source,
            expected,
            profiles,
            workload=workload,
            assumed=assumed,
            seed=seed,
            check=check,
            progress=progress,
        )
    document = _output.finite(document)
    if out is not None:
        _capacity.write(out, document)
        if not quiet:
            _output.note(f"written: {_output.short(out)}")
    if as_json:
        _output.emit_json(document)
    else:
        _output.say(_capacity.terminal(document))


def _unused(given: dict[str, object], of: str) -> None:
    """Raise UserError for options that mean nothing beside this traffic."""
    for name, value in given.items():
        if value is not None:
            raise UserError(
                f"means nothing without {of}",
                field=name,
                remedy=f"leave it out, or give {of}",
            )
