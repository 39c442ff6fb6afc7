"""Engines outside that a run has measured, as one request of a workload asks them.

Their time is that of the largest size that was measured, and of no other: a workload is
about more vectors than a machine here holds, and an engine takes longer with them. So
machines that come of it are the fewest that it may take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.verdict._matrix_costs import Costs
from bench.verdict.bank import Array
from bench.verdict.evidence import first_ident

if TYPE_CHECKING:
    import pandas as pd

VECTORS = "vectorize.vectors"
"""What a workload needs that an engine would hold instead."""
_ENGINE, _SERVICE, _UNFILTERED = "engine", "service", "unfiltered"
# What an engine is asked for a workload, where that is called otherwise.
_STAGES = {
    "conversation_small": ("conversation_load", "conversation_save"),
    "conversation_large": ("conversation_load", "conversation_save"),
}
_FLOAT_BYTES = 4
_GB = 1e9


@dataclass(frozen=True, slots=True)
class Engine:
    """Times in ms of what one request asks of an engine.

    ``gateway`` is the CPU of the Worker in front, None where it was not measured;
    ``memory_gb`` what its vectors take as float32, without their index.
    """

    name: str
    what: str
    service_ms: Array
    gateway: Costs | None
    memory_gb: float
    evidence: str


def read(
    samples: pd.DataFrame, module: Any, found: Sequence[Costs]
) -> Iterator[Engine]:
    """Every engine that was measured at what the workload ``module`` asks of one.

    ``found`` are the costs of that workload, the gateways among them.
    """
    rows = samples[(samples["invocation"] == _ENGINE) & (samples["metric"] == _SERVICE)]
    workload = module.__name__.rpartition(".")[2]
    vectors = int(dict(getattr(module, "NEEDS", {})).get(VECTORS, 0))
    for name, mine in rows.groupby("variant", sort=True):
        wanted = _STAGES.get(workload, (workload,))
        stages = [stage for stage in wanted if (mine["stage"] == stage).any()]
        if not stages and (mine["stage"] == _UNFILTERED).any():
            stages = [_UNFILTERED]
        parts = [mine[mine["stage"] == stage] for stage in stages]
        if parts:
            gateway = [costs for costs in found if costs.route == name]
            yield _engine(str(name), stages, parts, gateway, vectors)


def _engine(
    name: str,
    stages: Sequence[str],
    parts: Sequence[pd.DataFrame],
    gateway: Sequence[Costs],
    vectors: int,
) -> Engine:
    largest = [_largest(part) for part in parts]
    times = [np.asarray(part["value"], dtype=np.float64) for part in largest]
    size = max(map(len, times))
    fixture = str(largest[0]["fixture"].iloc[0])
    held, dims = (vectors or _size(fixture)), _dims(fixture)
    return Engine(
        name=name,
        what=f"{' and '.join(stages)}, {fixture}",
        # A request does all of them, one after the other.
        service_ms=np.sum([np.resize(each, size) for each in times], axis=0),
        gateway=gateway[0] if gateway else None,
        memory_gb=held * dims * _FLOAT_BYTES / _GB,
        evidence=first_ident(largest[0]),
    )


def _largest(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the largest fixture: ``32000x1536``, ``8000 conversations``."""
    largest: pd.DataFrame = rows[
        rows["fixture"] == max(rows["fixture"].unique(), key=_size)
    ]
    return largest


def _size(fixture: str) -> int:
    digits = fixture.replace("x", " ").split()[0]
    return int(digits) if digits.isdecimal() else 0


def _dims(fixture: str) -> int:
    dims = fixture.partition("x")[2]
    return int(dims) if dims.isdecimal() else 0
