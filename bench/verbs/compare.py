"""``bench compare``: two runs, cell by cell."""

from __future__ import annotations

from pathlib import Path

import click

from bench.verbs import _options, _output


@click.command("compare")
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--cell",
    "pattern",
    default="",
    metavar="PATTERN",
    help="Only cells whose name has this text, or matches this glob.",
)
@click.option(
    "--within",
    type=click.FloatRange(0.0, 1.0, min_open=True),
    default=0.02,
    show_default=True,
    help="What still counts as the same, 0.02 for 2 %.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Compare runs of unlike machines, inputs or versions all the same: the "
    "reasons stand in the result, and a ratio may be about any of them.",
)
@_options.common
def command(
    a: Path,
    b: Path,
    pattern: str,
    within: float,
    force: bool,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Say of each cell whether run B is faster or slower than run A.

    Nothing is measured, and nothing is written into the runs. With --out, a folder gets
    compare.json and the figure. Runs that differ in more than the code end with 3.
    """
    from bench.report import _two_runs
    from bench.verdict import compare

    first, second = compare.opened(a), compare.opened(b)
    rules = compare.Rules(within=within)
    document = _output.finite(
        compare.document(first, second, rules, pattern=pattern, force=force)
    )
    _output.derived("compare", document, out, quiet)
    if as_json:
        _output.emit_json(document)
    else:
        _output.say(_two_runs.terminal(document))
