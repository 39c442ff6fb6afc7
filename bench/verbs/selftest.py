"""``bench selftest``: the harness on itself."""

from __future__ import annotations

from pathlib import Path

import click

from bench.verbs import _options, _output


@click.command("selftest")
@_options.profile
@_options.common
def command(
    profile: str, as_json: bool, out: Path | None, seed: int, quiet: bool
) -> None:
    """Measure the harness: false positives, power, interval width, floor, closure."""
    from bench.measure.selfreport import report
    from bench.progress import Progress

    with Progress(quiet=quiet) as progress:
        document = report(profile, seed=seed, out=out, progress=progress)
    if as_json:
        _output.emit_json(document)
    else:
        for line in document["lines"]:
            _output.say(line)
