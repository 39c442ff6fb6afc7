"""``bench run``: the main job, every notebook as a batch, then the report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.errors import CellsFailedError, UserError
from bench.verbs import _options, _output

if TYPE_CHECKING:
    from bench.batch import NotebookResult
    from bench.store import Run


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
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with an interrupted run, with its own settings.",
)
@_options.common
def command(
    transcript_file: Path | None,
    profile: str,
    limits: str,
    selected: tuple[str, ...],
    parameters: tuple[tuple[str, str], ...],
    resume: Path | None,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Run every notebook, then write one report.

    Each notebook runs by papermill in a process of its own. One that fails keeps its
    executed copy, the others go on, and the exit code is 4.
    """
    from bench import batch

    paths = batch.select(list(selected) or None)
    if resume is not None:
        run, values = _resume(resume, transcript_file)
    else:
        shared = {"profile": profile, "limits": limits, "seed": seed}
        declared = {name for path in paths for name in batch.inspect(path)}
        values = {name: shared[name] for name in shared if name in declared}
        texts = [f"{name}={value}" for name, value in parameters]
        values |= batch.from_text(texts, paths)
        run = _create(out, values, transcript_file, paths, profile, seed)
    with run:
        results, written, failed = _execute(run, values, paths, quiet)
    matrix = run.path / "matrix.json"
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
        "matrix": _output.short(matrix) if matrix.is_file() else None,
    }
    if as_json:
        _output.emit_json(document)
    else:
        _print(run.path, written)
    if failed:
        raise CellsFailedError("; ".join(failed))


def _create(
    out: Path | None,
    values: dict[str, Any],
    transcript_file: Path | None,
    paths: list[Path],
    profile: str,
    seed: int,
) -> Run:
    """A new run, after everything that can be wrong with ``values`` was checked."""
    from bench import batch, notebook
    from bench.platform import limit_profile
    from bench.store import Run

    fixtures = _add_transcript(transcript_file, values)
    given = batch.validate(values, paths)
    for mine in given.values():
        limit_profile(mine.get("limits", "free"))
        if {"suite", "fixtures"} & set(mine):
            notebook.check_parsers(
                mine.get("transcript", ""),
                mine.get("fixtures", []),
                mine.get("suite", ""),
                mine.get("profile", profile),
            )
        if "workloads" in mine:
            notebook.check_workloads(mine["workloads"], mine.get("profile", profile))
        notebook.check_rerank(
            mine.get("ks", []), mine.get("dims", []), mine.get("profile", profile)
        )
        notebook.check(
            mine.get("runtimes", ["cpython"]),
            mine.get("phases", ["warm"]),
            mine.get("profile", profile),
        )
    # A parameter may say otherwise than the option of the same name.
    seed, profile = values.get("seed", seed), values.get("profile", profile)
    _options.check_seed(seed)
    return Run.create(
        out,
        argv=sys.argv[1:],
        seed=seed,
        profile=profile,
        parameters=values,
        fixtures=fixtures,
    )


def _only_resume() -> None:
    """Refuse options that an interrupted run has settled."""
    context = click.get_current_context()
    for name in ("profile", "limits", "seed", "out", "parameters"):
        source = context.get_parameter_source(name)
        if source is click.core.ParameterSource.COMMANDLINE:
            raise UserError(
                "cannot be given together with --resume",
                field=name,
                remedy="leave it out; the run keeps its own",
            )


def _resume(folder: Path, transcript_file: Path | None) -> tuple[Run, dict[str, Any]]:
    """An interrupted run and its settings.

    Raises UserError for the run of another verb, and for another transcript.
    """
    from bench.store import Run

    _only_resume()
    manifest = Run.open(folder).manifest
    verb = next(iter(manifest["argv"]), "run")
    if verb != "run":
        raise UserError(
            f"was begun by `bench {verb}`, which does not go on with a run",
            file=folder,
            field="--resume",
            remedy=f"its finished cells are kept; measure anew: {manifest['command']}",
        )
    values = dict(manifest["parameters"])
    values.pop("transcript", None)
    if _add_transcript(transcript_file, values) != manifest["fixtures"]:
        raise UserError(
            "the run was begun with another transcript",
            file=folder,
            field="--transcript",
            remedy=f"name the one called {', '.join(manifest['fixtures'])}",
        )
    return Run.resume(folder), values


def _add_transcript(path: Path | None, values: dict[str, Any]) -> dict[str, str]:
    """Load the transcript before anything starts, and hand its path on."""
    from bench import transcript

    named = values.get("transcript")
    path = path or (Path(named) if named else None)
    body = transcript.given(path)
    if path is not None:
        # Notebooks run in the checkout, wherever the command was typed.
        values["transcript"] = str(path.resolve())
    return {body.label: body.sha256}


def _execute(
    run: Run, values: dict[str, Any], paths: list[Path], quiet: bool
) -> tuple[list[NotebookResult], Path, list[str]]:
    """Results of the notebooks, the report, and what failed; seals the run."""
    from bench import batch, report
    from bench.progress import Progress

    names = [path.stem for path in paths]
    with Progress(quiet=quiet) as progress:
        results = batch.run_batch(run, values, selected=names, progress=progress)
    if any(result.status == "interrupted" for result in results):
        raise KeyboardInterrupt
    written = report.build(run.path)
    failed = [f"{each.name}: {each.error}" for each in results if each.status != "ok"]
    failed += [f"{e['key']}: {e['message']}" for e in run.errors() if e["cell"]]
    run.seal("failed" if failed else "finished")
    _output.refresh(run.path)
    return results, written, failed


def _print(folder: Path, written: Path) -> None:
    from bench import report

    _output.say(report.summary_of(folder))
    _output.say(f"report:  {_output.short(written)}")
    _output.say(f"samples: {_output.short(folder / 'samples.parquet')}")
