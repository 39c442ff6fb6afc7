"""``bench workloads``: every row of the decision matrix, replayed in workerd."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench.verbs import _options, _output


@click.command("workloads")
@click.option(
    "--workload",
    "names",
    multiple=True,
    help="A row of the matrix; may be repeated. All of them without it.",
)
@_options.profile
@_options.limits
@_options.common
def command(
    names: tuple[str, ...],
    profile: str,
    limits: str,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Measure what each workload of the matrix costs a Worker, cold and warm.

    Rows that the article moves out are asked of real engines besides, Qdrant and
    PostgreSQL. One that cannot run here is skipped, which the result says.
    """
    from bench import report, workloads
    from bench.measure import replay
    from bench.platform import limit_profile
    from bench.progress import Progress
    from bench.store import Run

    limit = limit_profile(limits)
    chosen = list(workloads.chosen(names))
    with Run.create(
        out,
        argv=sys.argv[1:],
        seed=seed,
        profile=profile,
        parameters={"workloads": chosen, "limits": limits},
        fixtures={},
    ) as run:
        seconds = replay.seconds(profile, names)
        with Progress(seconds=seconds, quiet=quiet) as progress:
            document = replay.replay(
                run,
                names=names,
                profile=profile,
                limits=limit,
                seed=seed,
                progress=progress,
            )
        text = None if as_json else report.workloads_text(document)
        _output.finish(run, "workloads.json", document, text)
