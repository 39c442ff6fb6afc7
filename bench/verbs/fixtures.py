"""``bench fixtures``: check the committed inputs, or generate one."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType
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

    if check and (kind is not None or out is not None):
        raise UserError(
            "makes nothing, so --kind and --out have no place beside it",
            field="--check",
            remedy="check first, then make",
        )
    if parameters and kind is None:
        raise UserError("needs --kind", field="--param", remedy="add --kind NAME")
    if kind is not None:
        rows = [_generate(kind, dict(parameters), out, seed)]
    elif out is not None:
        rows = _build(out, seed)
    else:
        rows = fixture_set.check()
    if not _output.emit({"rows": rows}, as_json=as_json, out=None):
        _print(rows)
    bad = [row for row in rows if not row["ok"]]
    if check and bad:
        raise UserError(
            bad[0]["why"],
            file=fixture_set.ROOT / bad[0]["file"],
            remedy="restore it with `git checkout fixtures`",
        )


def _print(rows: list[dict[str, Any]]) -> None:
    _output.emit_table(
        ("file", "bytes", "sha256", "state"),
        [
            (row["file"], row["bytes"], (row["sha256"] or "")[:12], _state(row))
            for row in rows
        ],
    )


def _state(row: dict[str, Any]) -> str:
    return "ok" if row["ok"] else f"BAD: {row['why']}"


def _build(out: Path, seed: int) -> list[dict[str, Any]]:
    from bench import fixture_set

    try:
        made = fixture_set.build(out, seed).files
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)  # it was not there before
        raise
    return [_row(name, entry.bytes, entry.sha256) for name, entry in made.items()]


def _generate(
    kind: str, given: dict[str, str], out: Path | None, seed: int
) -> dict[str, Any]:
    from bench import fixture_set
    from bench.files import sha256, write_whole

    kinds = fixture_set.kinds()
    if kind not in kinds:
        raise UserError(
            f"{kind!r} is not a kind of payload",
            field="--kind",
            remedy=f"choose one of {', '.join(kinds)}",
        )
    if out is None:
        raise UserError("is missing", field="--out", remedy="name a file to write")
    types = _parameters(kinds[kind])
    values = {name: _value(kind, types, name, text) for name, text in given.items()}
    try:
        data = kinds[kind].generate(seed, **values)
    except ValueError as error:
        raise _refused(kind, types, ", ".join(given) or "--param", error) from error
    write_whole(out.absolute(), data)
    return _row(_output.short(out), len(data), sha256(data))


def _row(file: str, size: int, digest: str) -> dict[str, Any]:
    return {"file": file, "bytes": size, "sha256": digest, "ok": True, "why": ""}


def _parameters(module: ModuleType) -> dict[str, Any]:
    """Types of what a generator takes besides its seed, by name."""
    from typing import get_type_hints

    hints = get_type_hints(module.generate)
    return {
        name: kind for name, kind in hints.items() if name not in {"seed", "return"}
    }


def _value(kind: str, types: dict[str, Any], name: str, text: str) -> Any:
    """A parameter of the generator, read as JSON where it is JSON, and checked."""
    import json

    import msgspec

    if name not in types:
        raise _refused(kind, types, name, "is not a parameter of this kind")
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    try:
        return msgspec.convert(value, types[name])
    except msgspec.ValidationError as error:
        raise _refused(kind, types, name, f"{text!r}: {error}") from error


def _refused(
    kind: str, types: dict[str, Any], field: str, why: str | ValueError
) -> UserError:
    return UserError(
        str(why),
        field=field,
        remedy=f"{kind} takes {', '.join(types)}; see bench/fixtures/{kind}.py",
    )
