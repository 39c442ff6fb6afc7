"""The file of a sweep: read, checked to the last option, and expanded into cells.

    name: parsers-by-size     # also the name of the folder
    verb: parsers             # or notebook: 01_request_path
    grid: {seed: [1, 2, 3], profile: [quick]}   # every combination
    list: [{...}, {...}]      # instead of the grid, or beside it
    limit: 10m                # of one cell
    attempts: 3               # where the machine fails, and not the cell

Nothing has been started when something in it is refused.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from bench.errors import UserError
from bench.files import read_input
from bench.sweep import _arguments, _keys, _paths, _verbs, _yaml
from bench.sweep._cell import Cell

MOST_CELLS = 10_000
_LARGEST = 2**18
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LIMIT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(s|m|h|d)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_AT = re.compile(r" - at `\$(.*)`$")


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file of a sweep says; see above."""

    name: str
    verb: str = ""
    notebook: str = ""
    grid: dict[str, list[Any]] = {}
    listed: list[dict[str, Any]] = msgspec.field(name="list", default=[])
    limit: str | float = "1h"
    attempts: int = 3


def read(path: Path) -> Spec:
    """The file as it stands, its values checked one by one; ``cells`` checks the rest.

    Raises UserError that names file and field.
    """
    data = read_input(path, what="a sweep in YAML", limit=_LARGEST)
    try:
        spec = msgspec.convert(_yaml.load(data, path), Spec)
    except msgspec.ValidationError as error:
        found = _AT.search(str(error))
        raise UserError(
            _AT.sub("", str(error)),
            file=path,
            field=found[1].lstrip(".") if found else None,
            remedy=f"a sweep has {', '.join(Spec.__struct_encode_fields__)}",
        ) from error
    _check(spec, path)
    return spec


def cells(spec: Spec, path: Path) -> list[Cell]:
    """Cells in the order of the file: the grid, its last name fastest, then the list.

    Raises UserError that names ``path`` and the field: an option that the verb does not
    have or take, a file that is not there, one cell twice, none or too many.
    """
    counted = math.prod(map(len, spec.grid.values())) if spec.grid else 0
    if not 0 < counted + len(spec.listed) <= MOST_CELLS:
        raise UserError(
            f"say {counted + len(spec.listed):,} cells",
            file=path,
            field="grid and list",
            remedy=f"name 1 to {MOST_CELLS:,}, as `grid: {{seed: [1, 2]}}`",
        )
    seen: dict[str, str] = {}
    found = []
    for place, (field, given) in enumerate(_expanded(spec)):
        cell = _cell(spec, place, given, str(path), field)
        if cell.key in seen:
            raise UserError(
                f"is the same cell as {seen[cell.key]}",
                file=path,
                field=field,
                remedy="remove one of them",
            )
        seen[cell.key] = field
        found.append(cell)
    return found


def limit_s(spec: Spec) -> float:
    """The hard limit of one cell in seconds, 0 for what is none."""
    if isinstance(spec.limit, float):
        return spec.limit
    found = _LIMIT.fullmatch(spec.limit.strip())
    return float(found[1]) * _SECONDS[found[2]] if found else 0.0


def _expanded(spec: Spec) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where each cell stands in the file, and its parameters."""
    if spec.grid:
        for values in itertools.product(*spec.grid.values()):
            yield "grid", dict(zip(spec.grid, values, strict=True))
    for place, given in enumerate(spec.listed):
        yield f"list[{place}]", given


def _cell(spec: Spec, place: int, given: dict[str, Any], file: str, field: str) -> Cell:
    if spec.verb:
        command = _verbs.command(spec.verb, file)
        parameters = _paths.of_verb(command, given)
        _arguments.check_verb(spec.verb, parameters, file, field)
    else:
        parameters = _paths.of_notebook(spec.notebook, given)
        _arguments.check_notebook(spec.notebook, parameters, file, field)
    inputs = _paths.digests(spec.verb, parameters, file, field)
    return Cell(
        key=_keys.key(spec.verb, spec.notebook, inputs),
        place=place,
        verb=spec.verb,
        notebook=spec.notebook,
        parameters=parameters,
        measures=_verbs.measures(spec.verb or spec.notebook),
        limit_s=limit_s(spec),
    )


def _check(spec: Spec, path: Path) -> None:
    empty = [name for name, values in spec.grid.items() if not values]
    checks = [
        (
            "name",
            _NAME.fullmatch(spec.name) is not None and ".." not in spec.name,
            f"{spec.name!r} is no name of a sweep",
            "use up to 64 of a-z, 0-9, dash, dot and underscore",
        ),
        (
            "verb",
            bool(spec.verb) != bool(spec.notebook),
            "and notebook: one of them must be given",
            "write `verb: stages` or `notebook: 01_request_path`",
        ),
        (
            "limit",
            0 < limit_s(spec) <= 7 * _SECONDS["d"],
            f"{spec.limit!r} is not a duration",
            "write it as 30s, 10m or 2h; 7 days at most",
        ),
        (
            "attempts",
            1 <= spec.attempts <= 10,
            f"{spec.attempts} is not in the range 1 to 10",
            "name how often a cell is tried where the machine fails",
        ),
        (
            f"grid.{empty[0]}" if empty else "grid",
            not empty,
            "has no values",
            "name at least one, as [1]",
        ),
    ]
    for field, holds, message, remedy in checks:
        if not holds:
            raise UserError(message, file=path, field=field, remedy=remedy)
    if spec.verb:
        _verbs.command(spec.verb, str(path))
    else:
        _arguments.check_notebook(spec.notebook, {}, str(path), "notebook")
