"""Where a place in the bundle comes from: source maps, version 3.

Only what a table of functions needs: the file and line of a generated line and column
(ECMA-426; mappings are base64 VLQ, each number relative to the one before).
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from bench.project._names import shown

_DIGITS = {
    char: value
    for value, char in enumerate(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    )
}
_MORE, _FIVE = 32, 31


class SourceMap:
    """The map of one generated file."""

    def __init__(self, file: Path, folder: Path) -> None:
        """Read ``file``; sources below ``folder`` are named relative to it."""
        found: Any = orjson.loads(file.read_bytes())
        root = file.parent / str(found.get("sourceRoot") or "")
        self._sources = [_named(root / str(s), folder) for s in found["sources"]]
        self._lines = _lines(found["mappings"])

    def place(self, line: int, column: int) -> str | None:
        """``src/index.ts:12`` of a generated place, both counted from 0."""
        if not 0 <= line < len(self._lines):
            return None
        columns = [each[0] for each in self._lines[line]]
        at = bisect_right(columns, column) - 1
        if at < 0:
            return None
        _, source, original = self._lines[line][at]
        if not 0 <= source < len(self._sources):
            return None
        return f"{self._sources[source]}:{original + 1}"


def _named(path: Path, folder: Path) -> str:
    """A source's name without folders of this machine."""
    parts = PurePosixPath(path.resolve().as_posix())
    base = PurePosixPath(folder.resolve().as_posix())
    if parts.is_relative_to(base):
        return shown(parts.relative_to(base))
    names = parts.parts
    if "node_modules" in names:
        last = len(names) - 1 - names[::-1].index("node_modules")
        return shown("/".join(names[last:]))
    return shown(parts.name)


def _lines(mappings: str) -> list[list[tuple[int, int, int]]]:
    """For each generated line (column, source, source line), by column."""
    found = []
    source = original = column_of_source = 0
    for line in mappings.split(";"):
        column = 0
        mine = []
        for segment in filter(None, line.split(",")):
            fields = _numbers(segment)
            column += fields[0]
            if len(fields) >= 4:
                source += fields[1]
                original += fields[2]
                column_of_source += fields[3]
                mine.append((column, source, original))
        found.append(mine)
    return found


def _numbers(segment: str) -> list[int]:
    found = []
    value = shift = 0
    for char in segment:
        digit = _DIGITS[char]
        value |= (digit & _FIVE) << shift
        if digit & _MORE:
            shift += 5
            continue
        found.append(-(value >> 1) if value & 1 else value >> 1)
        value = shift = 0
    return found
