"""What verbs print: results on stdout, everything else on stderr."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click


def emit_json(document: Any) -> None:
    """One JSON document on stdout. A number that JSON has no word for becomes null."""
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    click.echo(orjson.dumps(finite(document), option=options), nl=False)


def finite(value: Any) -> Any:
    """``value`` with infinities and NaN, which JSON cannot say, as None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def emit_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Aligned columns on stdout; numbers to the right."""
    cells = [[_text(item) for item in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    right = [
        bool(rows) and all(isinstance(row[i], int | float) for row in rows)
        for i in range(len(header))
    ]
    for line in ([*header], *cells):
        parts = [
            item.rjust(width) if to_right else item.ljust(width)
            for item, width, to_right in zip(line, widths, right, strict=True)
        ]
        click.echo("  ".join(parts).rstrip())


def _text(item: Any) -> str:
    return "-" if item is None else str(item)


def short(path: Path) -> str:
    """``path`` relative to the working folder where that is shorter."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def note(text: str) -> None:
    """A message for the user, on stderr."""
    click.echo(text, err=True)
