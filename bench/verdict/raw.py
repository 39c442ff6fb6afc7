"""The raw rows behind a number: which there are, and which of them are meant.

What is meant is a text like an id of evidence (`bench.verdict.evidence`): its parts are
patterns, in which ``*`` is any text, and a seventh part may name the metric. An id of
12 hexadecimal digits is that of a cell in the manifest, which may hold rows of several
things.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import translate
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from bench.errors import BenchError, UserError
from bench.store import _samples
from bench.verdict.evidence import PARTS

if TYPE_CHECKING:
    import pandas as pd

ANY = "*"
_WILD = re.compile(r"([*?[])")
_CELL = re.compile(r"[0-9a-f]{12}")
_NAMED = (*PARTS, "metric")


class Held(NamedTuple):
    """A thing that was measured: its id, and its rows by the cell that holds them."""

    ident: str
    cells: dict[str, int]

    @property
    def rows(self) -> int:
        """How many rows there are of it."""
        return sum(self.cells.values())


def pattern(globs: Mapping[str, str] | None = None, /, **parts: Any) -> str:
    """What has exactly these parts of an id, and anything for those left out.

    ``globs`` are parts in which ``*`` is any text: ``{"fixture": "* KB"}``. None is a
    blank part.
    """
    exact = {name: _WILD.sub(r"[\1]", str(part or "")) for name, part in parts.items()}
    known = exact | dict(globs or {})
    return "/".join(_quoted(known.get(name, ANY)) for name in PARTS)


def _quoted(part: str) -> str:
    return part.replace("%", "%25").replace("/", "%2F")


class Catalogue:
    """What the samples of a run hold, without their values."""

    def __init__(self, held: Iterable[Held] = ()) -> None:
        """Of ``held``, each with an id of its own."""
        self._by = {each.ident: each for each in held}
        self._parts = {name: tuple(name.split("/")) for name in self._by}
        self._found: dict[str, list[Held]] = {}

    @property
    def rows(self) -> int:
        """How many rows the run has."""
        return sum(each.rows for each in self._by.values())

    def find(self, wanted: str) -> list[Held]:
        """What a pattern means, in the order of the run; none where it is none."""
        if wanted not in self._found:
            self._found[wanted] = self._search(wanted)
        return self._found[wanted]

    def _search(self, wanted: str) -> list[Held]:
        if not _WILD.search(wanted):
            return [self._by[wanted]] if wanted in self._by else []
        asked = wanted.split("/")
        if len(asked) != len(PARTS):
            return []
        # Most patterns say most parts plainly: those are compared as they are.
        tests = [
            (place, re.compile(translate(part)))
            for place, part in enumerate(asked)
            if part != ANY and _WILD.search(part)
        ]
        plain = [
            (place, part) for place, part in enumerate(asked) if not _WILD.search(part)
        ]
        return [
            self._by[name]
            for name, parts in self._parts.items()
            if all(parts[place] == part for place, part in plain)
            and all(test.match(parts[place]) for place, test in tests)
        ]


def catalogue(folder: Path, manifest: Mapping[str, Any]) -> Catalogue:
    """What the samples in ``folder`` hold; nothing where none can be read.

    A run that is not sealed counts as far as its manifest says.
    """
    try:
        counted = _sealed(folder) or _growing(folder, manifest)
    # A damaged Parquet file is an OSError or a ValueError of pyarrow.
    except (OSError, ValueError, KeyError, TypeError, BenchError):
        return Catalogue()
    held: dict[str, dict[str, int]] = {}
    for (*parts, cell), rows in counted.items():
        ident = "/".join(_quoted(part or "") for part in parts)
        held.setdefault(ident, {})[cell] = rows
    return Catalogue(Held(ident, cells) for ident, cells in held.items())


def _sealed(folder: Path) -> dict[tuple[str, ...], int]:
    """Rows by id and cell of a sealed run, in its order; empty where it is not."""
    path = folder / _samples.SEALED
    if not path.is_file():
        return {}
    import pyarrow.parquet as pq

    names = [*PARTS, "cell"]
    table = pq.read_table(path, columns=names)
    counted = table.group_by(names, use_threads=False).aggregate([([], "count_all")])
    columns = [counted[name].to_pylist() for name in [*names, "count_all"]]
    return {tuple(key): rows for *key, rows in zip(*columns, strict=True)}


def _growing(folder: Path, manifest: Mapping[str, Any]) -> dict[tuple[str, ...], int]:
    committed = (manifest.get("bytes") or {}).get(_samples.LINES, 0)
    counted: Counter[tuple[str, ...]] = Counter()
    for block in _samples.lines(folder / _samples.LINES, committed):
        for line in block:
            row = orjson.loads(line)
            counted[tuple(row[name] for name in (*PARTS, "cell"))] += 1
    return counted


def select(
    samples: pd.DataFrame, cells: Sequence[str], where: Sequence[str]
) -> pd.DataFrame:
    """The rows of any of ``cells``, all where there is none, that fit all of ``where``.

    A cell is its id in the manifest or a pattern, a condition ``column=value`` with a
    text, a number or a pattern. Raises UserError for a text that is neither, and where
    no row is left.
    """
    import pandas as pd

    wanted = pd.Series(data=not cells, index=samples.index)
    for cell in cells:
        wanted |= _of_cell(samples, cell)
    for condition in where:
        wanted &= _fitting(samples, condition)
    found = samples[wanted]
    if found.empty:
        raise UserError(
            "no row of this run is that",
            field="--cell" if cells else "--where",
            remedy="leave one out; the report of a run names the cells of each number",
        )
    return found


def _of_cell(samples: pd.DataFrame, cell: str) -> pd.Series[bool]:
    if _CELL.fullmatch(cell):
        return samples["cell"] == cell
    asked = cell.split("/")
    if len(asked) not in (len(PARTS), len(_NAMED)):
        raise UserError(
            f"{cell!r} is no id of a cell",
            field="--cell",
            remedy=f"name 12 hexadecimal digits, or {'/'.join(PARTS)} with * for any",
        )
    import pandas as pd

    wanted = pd.Series(data=True, index=samples.index)
    for name, part in zip(_NAMED, asked, strict=False):
        if part != ANY:
            plain = part.replace("%2F", "/").replace("%25", "%")
            wanted &= _like(samples[name], plain)
    return wanted


def _fitting(samples: pd.DataFrame, condition: str) -> pd.Series[bool]:
    name, equals, value = condition.partition("=")
    if not equals or name not in samples.columns:
        raise UserError(
            f"{condition!r} is not column=value",
            field="--where",
            remedy=f"name a column: {', '.join(samples.columns)}",
        )
    column = samples[name]
    if name in (*_samples.COUNTS, "value"):
        try:
            return column == float(value)
        except ValueError as error:
            raise UserError(
                f"{value!r} is no number", field="--where", remedy=f"name one of {name}"
            ) from error
    return _like(column, value)


def _like(column: pd.Series[Any], value: str) -> pd.Series[bool]:
    """Where a column of text is ``value``, or fits it as a pattern."""
    text = column.fillna("").astype(str)
    if not _WILD.search(value):
        return text == value
    fits = re.compile(translate(value)).match
    return text.isin([each for each in text.unique() if each == value or fits(each)])
