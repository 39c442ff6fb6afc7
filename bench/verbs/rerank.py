"""``bench rerank``: re-ranking in the path, offloaded, or left to the index."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench.verbs import _options, _output


@click.command("rerank")
@click.option(
    "--k",
    "ks",
    multiple=True,
    type=click.IntRange(1, 1000),
    help="Matches to rank, instead of the profile's; may be repeated.",
)
@click.option(
    "--dims",
    "dims",
    multiple=True,
    type=click.IntRange(2, 4096),
    help="Dimensions of a vector, instead of the profile's; may be repeated.",
)
@_options.profile
@_options.limits
@_options.common
def command(
    ks: tuple[int, ...],
    dims: tuple[int, ...],
    profile: str,
    limits: str,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Compare re-rankers, and what a Worker still pays when it offloads."""
    from bench import report
    from bench.measure import rerank
    from bench.offload import size as job_size
    from bench.platform import limit_profile
    from bench.progress import Progress
    from bench.store import Run

    limit = limit_profile(limits)
    grid = rerank.grid(ks, dims)
    with Run.create(
        out,
        argv=sys.argv[1:],
        seed=seed,
        profile=profile,
        parameters={
            "grid": [job_size(*pair) for pair in grid or ()],
            "limits": limits,
        },
        fixtures={},
    ) as run:
        with Progress(seconds=rerank.seconds(profile), quiet=quiet) as progress:
            document = rerank.measure(
                run,
                grid=grid,
                profile=profile,
                limits=limit,
                seed=seed,
                progress=progress,
            )
        text = None if as_json else report.rerank_text(document)
        _output.finish(run, "rerank.json", document, text)
