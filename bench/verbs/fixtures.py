"""``bench fixtures``: check the committed inputs, or generate one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.errors import UserError
from bench.verbs import _options, _output


@click.command("fixtures")
@click.option(
    "--check", is_flag=True, help="Verify every committed file and its generator."
)
@click.option("--kind", help="Generate one payload of this kind into --out.")
@click.option(
    "-p",
    "--param",
    "parameters",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="A parameter of the generator, such as -p size 1000000.",
)
@_options.common
def command(
    check: bool,
    kind: str | None,
    parameters: tuple[tuple[str, str], ...],
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Make or check inputs.

    Without an option the committed files are listed. With --out alone the whole
    default set is written there anew.
    """
    from bench import fixture_set

    if kind is not None:
        _generate(kind, dict(parameters), out, seed)
        return
    if parameters:
        raise UserError("needs --kind", field="--param", remedy="add --kind NAME")
    if out is not None:
        _refuse_existing(out)
        out.mkdir(parents=True)
        fixture_set.build(out, seed)
        return
    rows = fixture_set.check()
    if as_json:
        _output.emit_json({"schema": 1, "rows": rows})
    else:
        _output.emit_table(
            ("file", "bytes", "sha256", "state"),
            [
                (row["file"], row["bytes"], (row["sha256"] or "")[:12], _state(row))
                for row in rows
            ],
        )
    bad = [row for row in rows if not row["ok"]]
    if check and bad:
        raise UserError(
            bad[0]["why"],
            file=fixture_set.ROOT / bad[0]["file"],
            remedy="restore it with `git checkout fixtures`",
        )


def _state(row: dict[str, Any]) -> str:
    return "ok" if row["ok"] else f"BAD: {row['why']}"


def _generate(kind: str, given: dict[str, str], out: Path | None, seed: int) -> None:
    from bench import fixture_set
    from bench.files import write_whole

    kinds = fixture_set.kinds()
    if kind not in kinds:
        raise UserError(
            f"{kind!r} is not a kind of payload",
            field="--kind",
            remedy=f"choose one of {', '.join(kinds)}",
        )
    if out is None:
        raise UserError("is missing", field="--out", remedy="name a file to write")
    _refuse_existing(out)
    arguments = {name: _value(text) for name, text in given.items()}
    try:
        data = kinds[kind].generate(seed, **arguments)
    except (TypeError, ValueError) as error:
        raise UserError(
            str(error),
            field="--param",
            remedy=f"see the docstring of bench/fixtures/{kind}.py",
        ) from error
    write_whole(out, data)


def _refuse_existing(out: Path) -> None:
    if out.exists():
        raise UserError("exists", file=out, remedy="name a path that does not")


def _value(text: str) -> Any:
    import json

    try:
        return json.loads(text)
    except ValueError:
        return text
