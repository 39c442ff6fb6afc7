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
    if out is not None:
        _write(out, document)
        if not quiet:
            _output.note(f"written: {_output.short(out)}")
    if as_json:
        _output.emit_json(document)
    else:
        _output.say(matrix_text.terminal(document))


def _write(out: Path, document: dict[str, object]) -> None:
    import orjson
    import pandas as pd

    from bench import figures
    from bench.errors import writing
    from bench.figures import matrix as figure
    from bench.files import write_whole
    from bench.platform import limit_profile
    from bench.verdict import matrix_text

    with writing(out):
        out.mkdir(parents=True)
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    write_whole(out / "matrix.json", orjson.dumps(document, option=options))
    write_whole(out / "matrix.md", matrix_text.markdown(document).encode())
    drawn, data = figure.draw(document, pd.DataFrame(), limit_profile("free"))
    figures.sign(drawn, document)
    figures.save(out / "figures", "matrix", drawn, data)
