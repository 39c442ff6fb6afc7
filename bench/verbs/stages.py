"""``bench stages``: CPU per stage of the request path."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench.errors import CellsFailedError
from bench.verbs import _options, _output


@click.command("stages")
@click.option(
    "--runtime",
    "runtime",
    multiple=True,
    default=("all",),
    show_default=True,
    help="workerd, cpython, or all; may be repeated.",
)
@click.option(
    "--phase",
    type=click.Choice(["cold", "warm", "all"]),
    default="all",
    show_default=True,
    help="The first request of a process, or later ones.",
)
@click.option(
    "--option",
    "option",
    multiple=True,
    metavar="NAME=VALUE",
    help="A variant of a stage, such as rerank=in_path; may be repeated.",
)
@_options.transcript
@_options.profile
@_options.limits
@_options.common
def command(
    runtime: tuple[str, ...],
    phase: str,
    option: tuple[str, ...],
    transcript_file: Path | None,
    profile: str,
    limits: str,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Measure the CPU of each stage of one RAG journey."""
    import orjson

    from bench import report, runtimes, transcript
    from bench.measure import footprint
    from bench.measure.sizes import size
    from bench.measure.stages import PHASES, measure
    from bench.path.env import variants
    from bench.platform import limit_profile
    from bench.progress import Progress
    from bench.store import Run
    from bench.verdict import article

    chosen = runtimes.names() if "all" in runtime else list(runtime)
    for name in chosen:
        runtimes.load(name)
    phases = list(PHASES) if phase == "all" else [phase]
    options = variants(option)
    limit = limit_profile(limits)
    body = transcript.given(transcript_file)
    parameters = {
        "transcript": body.label,
        "runtimes": chosen,
        "phases": phases,
        "limits": limits,
        "options": options,
    }
    with Run.create(
        out,
        argv=sys.argv[1:],
        seed=seed,
        profile=profile,
        parameters=parameters,
        fixtures={body.label: body.sha256},
    ) as run:
        with Progress(
            seconds=size(profile).seconds(phases, len(chosen)), quiet=quiet
        ) as progress:
            document = measure(
                run,
                transcript=body,
                runtimes=chosen,
                phases=phases,
                profile=profile,
                seed=seed,
                progress=progress,
                options=options,
            )
        document["article"] = article.rows(run.samples())
        document["driver_peak_mib"] = footprint.peak_rss_bytes() / 2**20

        run.save("stages.json", orjson.dumps(_output.finite(document)))
        failed = [row["error"] for row in document["rows"] if row["error"]]
        report.build(run.path)
        run.seal("failed" if failed else "finished")
    _output.refresh(run.path)
    if as_json:
        _output.emit_json(document)
    else:
        _output.say(report.summary(document | {"limits": limit.name}))
        _output.note(f"samples: {_output.short(run.path / 'samples.parquet')}")
        _output.note(f"report:  {_output.short(run.path / 'report.html')}")
    if failed:
        raise CellsFailedError("; ".join(failed))
