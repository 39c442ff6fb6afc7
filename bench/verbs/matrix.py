"""``bench matrix``: the decision matrix from the samples of a run."""

from __future__ import annotations

from pathlib import Path

import click

from bench.verbs import _options, _output


@click.command("matrix")
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option(
    "--limits",
    help="One limit profile instead of all, see `bench list limits`.",
)
@_options.common
def command(
    run: Path | None,
    limits: str | None,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Decide for each workload and limit profile, from the samples of RUN.

    Nothing is measured. RUN is a folder of results, and without one the latest that has
    workloads, else the reference. Nothing is written into it; with --out, a folder gets
    matrix.json, matrix.md and the figure.
    """
    from bench.platform import limit_profile
    from bench.verdict import evidence, matrix, matrix_text

    profiles = [limit_profile(limits)] if limits else []
    source = evidence.chosen(run)
    document = _output.finite(matrix.document(source, profiles, seed))
    _output.derived("matrix", document, out, quiet, md=matrix_text.markdown(document))
    if as_json:
        _output.emit_json(document)
    else:
        _output.say(matrix_text.terminal(document))
