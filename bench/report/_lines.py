"""Lines of text for a terminal: tables with aligned columns, and wrapped sentences."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from bench.report._evidence import Table

WIDTH = 96
WIDEST = 100
_ASCII = str.maketrans({"\N{MINUS SIGN}": "-", "\N{EN DASH}": "-"})
_NAME = 10  # letters of a name that are kept however wide the rest is


def table(title: str, found: Table) -> Iterable[str]:
    """A blank line, the table under ``title`` and its notes; nothing for no rows."""
    if not found.rows:
        return
    longest = max(len(row[0]) for row in found.rows) + 2
    yield ""
    if len(title) > longest:
        yield title
        title = ""
    cells = [[title, *found.head[1:]], *found.rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    # What is too wide is cut in the names, and not in the numbers.
    room = WIDTH - sum(widths[1:]) - 2 * len(widths)
    widths[0] = max(min(widths[0], room), _NAME)
    right = [kind == "number" for kind in found.kinds]
    for line, (name, *rest) in enumerate(cells):
        name = cut(name if line == 0 else f"  {name}", widths[0] + 2)
        text = "".join(
            f"  {cell:{'>' if to_right else '<'}{width}}"
            for cell, width, to_right in zip(rest, widths[1:], right[1:], strict=True)
        )
        yield f"{name:<{widths[0] + 2}}{text}"
    for note in found.notes:
        yield from indented(note)


def indented(text: str) -> list[str]:
    """``text`` in lines of the width of a terminal, set in by two."""
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")


def wrapped(text: str) -> list[str]:
    """``text`` in lines of the width of a terminal."""
    return textwrap.wrap(text, WIDTH)


def cut(name: str, width: int) -> str:
    """``name`` in at most ``width`` letters."""
    if len(name) <= width:
        return name
    return name[: width - 1] + "\N{HORIZONTAL ELLIPSIS}"


def joined(lines: Iterable[str]) -> str:
    """``lines`` as one text that holds no control character: a name cannot steer the
    terminal."""
    return "\n".join(_plain(line)[:WIDEST].rstrip() for line in lines)


def _plain(line: str) -> str:
    return "".join(char for char in line.translate(_ASCII) if char.isprintable())
