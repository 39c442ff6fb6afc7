"""``bench parsers``: JSON parsers on a fixture, or on your own files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench.verbs import _options, _output


@click.command("parsers")
@click.option(
    "--fixture",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A JSON file to parse instead of the default bodies; may be repeated.",
)
@click.option(
    "--suite",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="test_parsing of JSONTestSuite: what each parser gets wrong.",
)
@_options.transcript
@_options.profile
@_options.limits
@_options.common
def command(
    files: tuple[Path, ...],
    suite: Path | None,
    transcript_file: Path | None,
    profile: str,
    limits: str,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Compare JSON parsers: what they get wrong, cost by mode and size, memory."""
    from bench import report
    from bench.measure import parsers
    from bench.platform import limit_profile
    from bench.progress import Progress
    from bench.store import Run

    limit = limit_profile(limits)
    given = parsers.bodies(transcript_file, files)
    if suite is not None:
        parsers.check_suite(suite)
    with Run.create(
        out,
        argv=sys.argv[1:],
        seed=seed,
        profile=profile,
        parameters={
            "fixtures": [body.label for body in given],
            "suite": suite is not None,
            "limits": limits,
        },
        fixtures={body.label: body.sha256 for body in given},
    ) as run:
        with Progress(seconds=parsers.seconds(profile), quiet=quiet) as progress:
            document = parsers.measure(
                run,
                given,
                suite,
                profile=profile,
                limits=limit,
                seed=seed,
                progress=progress,
                sized=not files,
            )
        text = None if as_json else report.parsers_text(document)
        _output.finish(run, "parsers.json", document, text)
