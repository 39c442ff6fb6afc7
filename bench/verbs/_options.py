"""Options that several verbs share, so that they mean the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bench.errors import UserError
from bench.files import check_free

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

# Every reader of JSON knows integers up to here.
LARGEST_SEED = 2**53 - 1


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """--json, --out, --seed and --quiet, which every verb takes."""
    return _common(function, "must not exist yet", _free)


def resumable(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same with an --out that may have been begun before; the verb checks it."""
    return _common(function, "may be one that was begun before", None)


def _common(
    function: Callable[..., Any], out: str, check: Callable[..., Any] | None
) -> Callable[..., Any]:
    options: list[Decorator] = [
        click.option(
            "--json",
            "as_json",
            is_flag=True,
            help="One JSON document on stdout, nothing else.",
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            callback=check,
            help=f"Where the results go; {out}.",
        ),
        click.option(
            "--seed",
            type=click.IntRange(0, LARGEST_SEED),
            default=1,
            show_default=True,
            help="Fixes order, layout and generated inputs.",
        ),
        click.option("--quiet", is_flag=True, help="No progress on stderr."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


profile = click.option(
    "--profile",
    type=click.Choice(["quick", "full"]),
    default="quick",
    show_default=True,
    help="How long to measure: quick (minutes) or full (as precision needs).",
)

transcript = click.option(
    "--transcript",
    "transcript_file",
    type=click.Path(path_type=Path),
    help="A Deepgram response of yours; the default is a generated one of 18 KB.",
)

limits = click.option(
    "--limits",
    default="free",
    show_default=True,
    help="Limit profile, see `bench list limits`; or custom:cpu_ms=25.",
)


def check_seed(seed: int) -> None:
    """Raise UserError for a seed that --seed would not take."""
    if not 0 <= seed <= LARGEST_SEED:
        raise UserError(
            f"{seed} is not in the range 0 to {LARGEST_SEED}",
            field="seed",
            remedy="name a smaller number" if seed > 0 else "name a positive one",
        )


def _free(ctx: click.Context, option: click.Parameter, out: Path | None) -> Path | None:
    """The place for results, which must be free before anything is done."""
    if out is not None:
        check_free(out)
    return out
