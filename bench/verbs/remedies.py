"""``bench remedies``: the article's fixes, tried for real."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench.verbs import _options, _output


@click.command("remedies")
@_options.profile
@_options.common
def command(
    profile: str, as_json: bool, out: Path | None, seed: int, quiet: bool
) -> None:
    """Try the article's fixes: chunk texts, own writes, limits, history, memory."""
    from bench.measure import remedies
    from bench.progress import Progress
    from bench.remedies._text import text
    from bench.store import Run

    with Run.create(
        out,
        argv=sys.argv[1:],
        seed=seed,
        profile=profile,
        parameters={},
        fixtures={},
    ) as run:
        seconds = remedies.SIZES[profile].seconds
        with Progress(seconds=seconds, quiet=quiet) as progress:
            document = remedies.measure(
                run, profile=profile, seed=seed, progress=progress
            )
        said = None if as_json else text(document)
        _output.finish(run, "remedies.json", document, said)
