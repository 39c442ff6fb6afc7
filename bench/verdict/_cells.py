"""What a run says of each cell: one estimate in ms of each process group.

A cell is named ``runtime/phase/invocation/stage/variant/fixture/metric``, as in
`bench.verdict.evidence`, with ``cpu`` or ``locked`` for CPU of the main thread or time
under the isolate lock. Values of one group are not independent, so a group counts once:
by the mean of the central 80 % of its turns (`bench.measure.statistics.typical`).

A stage of the path in workerd is no turn of its own but a difference of two requests
(`bench.measure.samples`), and so are its cells: groups without turns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any

from bench.measure.samples import (
    METERED,
    PROFILED,
    SENTINEL,
    STOP,
    UPTO,
    UPTO_LOCKED,
    WHOLE,
)
from bench.measure.statistics import typical
from bench.verdict import evidence
from bench.verdict.evidence import PARTS

if TYPE_CHECKING:
    import pandas as pd

CPU, LOCKED = "cpu", "locked"
_DELAY = "run_delay"
KEY = (*PARTS, "metric")
_MS = {"s": 1e3, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
_ENDED = {UPTO: CPU, UPTO_LOCKED: LOCKED}
# What is no cost of anything that is compared.
_NO_STAGES = (SENTINEL, STOP)
_WILD = "*?["
# A group of processes: the id of the cell in the store, and its number there.
Place = tuple[str, int]
# The values of ``KEY``.
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One process group: its estimate and its turns in run order, all in ms.

    ``sentinel`` is what the fixed workload took in the same group, ``waited`` how long
    its requests waited for their core, as a share of their CPU. Each is None where it
    was not measured with the group.
    """

    value: float
    turns: tuple[float, ...]
    sentinel: float | None = None
    waited: float | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing that was measured, by the groups that did."""

    parts: Mapping[str, str]
    groups: Mapping[Place, Group]

    @property
    def id(self) -> str:
        """The name of the cell, its metric last."""
        return ident(self.parts)

    @property
    def values(self) -> list[float]:
        """The estimate of each group in ms."""
        return [group.value for group in self.groups.values()]

    @property
    def sentinels(self) -> list[float] | None:
        """What the sentinel took in each group, None unless it was timed in all."""
        return _all([group.sentinel for group in self.groups.values()])

    @property
    def waited(self) -> float | None:
        """The mean over the groups, None unless it is known of all."""
        found = _all([group.waited for group in self.groups.values()])
        return None if found is None else fmean(found)


def _all(values: Sequence[float | None]) -> list[float] | None:
    known = [value for value in values if value is not None]
    return known if known and len(known) == len(values) else None


def ident(parts: Mapping[str, Any]) -> str:
    """The name of the cell with these ``KEY``."""
    return f"{evidence.ident(parts)}/{parts['metric']}"


def read(samples: pd.DataFrame) -> dict[str, Cell]:
    """Every cell of the samples of a run by its name, in alphabetical order."""
    turns: dict[tuple[Key, Place], list[float]] = {}
    fixed: dict[Place, list[float]] = {}
    clocks: dict[Place, dict[str, float]] = {}
    # Requests by where they ended; stages keep the order of the path.
    ended: dict[tuple[Key, Place], dict[str, list[float]]] = {}
    for place, parts, value in _rows(samples):
        key = tuple(parts.values())
        stage, metric = parts["stage"], parts["metric"]
        if stage == WHOLE and parts["variant"] == "plain":
            spent = clocks.setdefault(place, {})
            spent[metric] = spent.get(metric, 0.0) + value
        if stage == SENTINEL and metric == CPU:
            fixed.setdefault(place, []).append(value)
        elif metric in _ENDED:
            request = tuple((parts | {"stage": ""}).values())
            upto = ended.setdefault((request, place), {})
            upto.setdefault(stage, []).append(value)
        elif metric in (CPU, LOCKED) and _is_cost(parts):
            turns.setdefault((key, place), []).append(value)
    witness = {
        place: (typical(fixed[place]) if place in fixed else None, _waited(spent))
        for place in {*fixed, *clocks}
        for spent in [clocks.get(place, {})]
    }
    found: dict[Key, dict[Place, Group]] = {}
    for (key, place), values in turns.items():
        group = Group(typical(values), tuple(values), *witness.get(place, (None, None)))
        found.setdefault(key, {})[place] = group
    for (request, place), upto in ended.items():
        for key, value in _differences(request, upto):
            group = Group(value, (), *witness.get(place, (None, None)))
            found.setdefault(key, {}).setdefault(place, group)
    cells = [
        Cell(dict(zip(KEY, key, strict=True)), groups) for key, groups in found.items()
    ]
    return {cell.id: cell for cell in sorted(cells, key=lambda cell: cell.id)}


def _rows(samples: pd.DataFrame) -> Iterator[tuple[Place, dict[str, str], float]]:
    """Times in run order: the group, the parts of the cell, and the value in ms.

    Plain lists: for the few rows of a group a data frame costs fifty times as much.
    """
    ordered = samples.sort_values("seq", kind="stable")
    names = ("cell", "process", "unit", "value", *KEY)
    columns = [ordered[name].tolist() for name in names]
    for cell, process, unit, value, *parts in zip(*columns, strict=True):
        if unit in _MS:
            key = dict(zip(KEY, parts, strict=True))
            yield (cell, process), key, value * _MS[unit]


def _waited(spent: Mapping[str, float]) -> float | None:
    """Run delay of requests over their CPU; None where the system tells none."""
    if _DELAY not in spent or not spent.get(CPU):
        return None
    return spent[_DELAY] / spent[CPU]


def _is_cost(parts: Mapping[str, str]) -> bool:
    """Whether a row is what a turn cost, and no instrument's note."""
    return parts["stage"] not in _NO_STAGES and parts["variant"] != PROFILED


def _differences(
    request: Key, upto: Mapping[str, Sequence[float]]
) -> Iterator[tuple[Key, float]]:
    """What each stage adds to a request, and the time of the whole under the lock."""
    parts = dict(zip(KEY, request, strict=True))
    parts["metric"] = _ENDED[parts["metric"]]
    costs = {stage: typical(values) for stage, values in upto.items()}
    for before, stage in pairwise(costs):
        place = parts | {"stage": stage, "variant": METERED}
        yield tuple(place.values()), costs[stage] - costs[before]
    if parts["metric"] == LOCKED:
        whole = parts | {"stage": WHOLE, "variant": "plain"}
        yield tuple(whole.values()), list(costs.values())[-1]


def matches(name: str, pattern: str) -> bool:
    """Whether the name of a cell is meant by ``pattern``: a glob over all of it, or a
    text that occurs in it."""
    if any(letter in pattern for letter in _WILD):
        return fnmatchcase(name, pattern)
    return pattern in name
