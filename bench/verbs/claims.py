"""``bench claims``: the article's claims against what was measured."""

from __future__ import annotations

from pathlib import Path

import click

from bench.verbs import _options, _output


@click.command("claims")
@click.argument("run", required=False, type=click.Path(path_type=Path))
@_options.limits
@_options.common
def command(
    run: Path | None,
    limits: str,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Judge every number and rule of thumb of the article, by the samples of RUN.

    Nothing is measured, and nothing is written into RUN: a folder of results, and
    without one the latest finished run, else the reference. With --out, a folder gets
    claims.json and the figure.
    """
    from bench.platform import limit_profile
    from bench.verdict import claims
    from bench.verdict.claims import _text

    limit = limit_profile(limits)
    source = claims.chosen(run)
    document = _output.finite(claims.document(source, limit, seed))
    _output.derived("claims", document, out, quiet)
    if as_json:
        _output.emit_json(document)
    else:
        _output.say(_text.terminal(document))
