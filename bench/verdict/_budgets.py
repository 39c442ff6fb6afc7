"""Budgets of a gate: what a user allows, in TOML.

[[budget]]
name = "chat fits"            # optional, for the message
runtime = "workerd"           # patterns with * and ?; what is left out is any
phase = "warm"
invocation = "chat"
stage = "whole"
metric = "charged"            # locked where a cell has it, else cpu; or one of both
limit_ms = 5.0                # of this machine

[[budget]]
stage = "whole"
variant = "plain"
ratio = 1.05                  # to the run that --baseline names
confidence = 0.99             # of the interval, 0.95 where it is left out

[[budget]]
invocation = "turns"
variant = "candidate"
against = "baseline"          # to a variant that took turns with it, in one run
ratio = 1.02
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import msgspec

from bench.errors import UserError
from bench.files import read_input
from bench.measure.statistics import CONFIDENCE
from bench.verdict._cells import CPU, LOCKED, Cell, ident
from bench.verdict.evidence import PARTS

CHARGED = "charged"
_BYTES = 2**20
_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_EXAMPLE = 'write it as [[budget]], stage = "whole", limit_ms = 5.0'


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What some cells may cost: ``limit_ms``, or a ``ratio``.

    A ratio is to the same cell of the baseline run, or, with ``against``, to the
    variant of that name which was measured in the same process groups.
    """

    name: str = ""
    runtime: str = "*"
    phase: str = "*"
    invocation: str = "*"
    stage: str = "*"
    variant: str = "*"
    fixture: str = "*"
    metric: Literal["charged", "cpu", "locked"] = "charged"
    limit_ms: float | None = None
    ratio: float | None = None
    against: str = ""
    confidence: float = CONFIDENCE

    @property
    def limit(self) -> float:
        """The number that the interval is held against."""
        limit = self.ratio if self.limit_ms is None else self.limit_ms
        return math.inf if limit is None else limit

    @property
    def needs_baseline(self) -> bool:
        """Whether a second run is held against the first."""
        return self.ratio is not None and not self.against

    def cells(self, cells: Mapping[str, Cell]) -> list[Cell]:
        """The cells that are meant; what is charged is under the lock where the cell
        was measured there too."""
        return [
            cell
            for cell in cells.values()
            if self._means(cell.parts)
            and cell.parts["variant"] != self.against
            and self._counts(cell.parts, cells)
        ]

    def _means(self, parts: Mapping[str, str]) -> bool:
        return all(fnmatchcase(parts[name], getattr(self, name)) for name in PARTS)

    def _counts(self, parts: Mapping[str, str], cells: Mapping[str, Cell]) -> bool:
        if self.metric != CHARGED:
            return parts["metric"] == self.metric
        locked = ident({**parts, "metric": LOCKED}) in cells
        return parts["metric"] == (LOCKED if locked else CPU)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    budget: list[Budget]


def read(path: Path) -> list[Budget]:
    """The budgets of a TOML file.

    Raises UserError that names file, field and remedy for a file that is missing, no
    TOML, or has an unknown field, a wrong type or a limit that is none.
    """
    data = read_input(path, what="a TOML file with budgets", limit=_BYTES)
    try:
        table = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(
            f"is not TOML: {error}", file=path, remedy="mend it there"
        ) from error
    budgets = _converted(table, path)
    if not budgets:
        raise UserError("is empty", file=path, field="budget", remedy=_EXAMPLE)
    for place, budget in enumerate(budgets):
        _check(budget, path, f"budget[{place}]")
    return budgets


def _converted(table: dict[str, Any], path: Path) -> list[Budget]:
    try:
        return msgspec.convert(table, _File).budget
    except msgspec.ValidationError as error:
        message = str(error)
        place = _PLACE.search(message)
        fields = ", ".join(Budget.__struct_fields__)
        raise UserError(
            _PLACE.sub("", message),
            file=path,
            field=(place[1] if place else "") or "budget",
            remedy=f"{_EXAMPLE}; the fields are {fields}",
        ) from error


def _check(budget: Budget, path: Path, place: str) -> None:
    def refused(field: str, message: str, remedy: str) -> UserError:
        return UserError(message, file=path, field=f"{place}.{field}", remedy=remedy)

    if (budget.limit_ms is None) == (budget.ratio is None):
        message = "needs one of limit_ms and ratio, and not both"
        raise refused("limit_ms", message, "write limit_ms = 5.0 or ratio = 1.05")
    if not 0 < budget.limit < math.inf:
        field = "limit_ms" if budget.ratio is None else "ratio"
        raise refused(field, f"{budget.limit} is no limit", "write a positive number")
    if not 0.5 < budget.confidence < 1:
        message = f"{budget.confidence} is not between 0.5 and 1"
        raise refused("confidence", message, "write 0.95, or leave it out")
    if budget.against and budget.ratio is None:
        message = "is for a ratio, and this budget has limit_ms"
        raise refused("against", message, "leave it out, or write ratio = 1.05")
