"""``bench run``: the main job, every notebook as a batch, then the report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from bench.errors import CellsFailedError
from bench.verbs import _options, _output


@click.command("run")
@_options.transcript
@_options.profile
@_options.limits
@click.option(
    "--notebook",
    "selected",
    multiple=True,
    metavar="NAME",
    help="Only this notebook; may be repeated.",
)
@click.option(
    "-p",
    "--param",
    "parameters",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="A notebook parameter, such as -p phases warm.",
)
@_options.common
def command(
    transcript_file: Path | None,
    profile: str,
    limits: str,
    selected: tuple[str, ...],
    parameters: tuple[tuple[str, str], ...],
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Run every notebook, then write one report.

    Each notebook runs by papermill in a process of its own. One that fails keeps its
    executed copy, the others go on, and the exit code is 4.
    """
    from bench import batch, report
    from bench.platform import limit_profile
    from bench.progress import Progress
    from bench.store import Run

    limit_profile(limits)
    paths = batch.select(list(selected) or None)
    declared = {name for path in paths for name in batch.inspect(path)}
    shared = {"profile": profile, "limits": limits, "seed": seed}
    values: dict[str, Any] = {k: v for k, v in shared.items() if k in declared}
    values |= batch.from_text([f"{name}={value}" for name, value in parameters], paths)
    fixtures = _check_transcript(transcript_file, values)
    batch.validate(values, paths)
    with Run.create(
        out,
        argv=sys.argv[1:],
        seed=seed,
        profile=profile,
        parameters=values,
        fixtures=fixtures,
    ) as run:
        with Progress(quiet=quiet) as progress:
            results = batch.run_batch(
                run,
                values,
                selected=[path.stem for path in paths],
                progress=progress,
            )
        if any(result.status == "interrupted" for result in results):
            raise KeyboardInterrupt
        written = report.build(run.path)
        failed = [
            f"{each.name}: {each.error}" for each in results if each.status != "ok"
        ]
        failed += [
            f"{each['key']}: {each['message']}" for each in run.errors() if each["cell"]
        ]
        run.seal("failed" if failed else "finished")
    document = {
        "schema": 1,
        "run": run.id,
        "machine": run.machine,
        "notebooks": [
            {
                "name": result.name,
                "status": result.status,
                "seconds": result.seconds,
                "output": result.output,
            }
            for result in results
        ],
        "report": _output.short(written),
        "matrix": None,
    }
    if as_json:
        _output.emit_json(document)
    else:
        _print(run.path, written)
    if failed:
        raise CellsFailedError("; ".join(failed))


def _check_transcript(path: Path | None, values: dict[str, Any]) -> dict[str, str]:
    """Load the transcript before anything starts, and hand its path on."""
    given = path or (Path(values["transcript"]) if values.get("transcript") else None)
    transcript = _options.load_transcript(given)
    if given is not None:
        # Notebooks run in the checkout, wherever the command was typed.
        values["transcript"] = str(given.resolve())
    return {transcript.name: transcript.sha256}


def _print(folder: Path, written: Path) -> None:
    from bench import report

    click.echo(report.summary_of(folder))
    click.echo(f"report:  {_output.short(written)}")
    click.echo(f"samples: {_output.short(folder / 'samples.parquet')}")
