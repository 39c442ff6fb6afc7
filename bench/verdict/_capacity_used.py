"""What one request of a workload uses, read from the samples of a run.

CPU by process group, priced meters and calls a request, the memory that requests in
flight hold, and the times of engines that were measured beside. What a run has no rows
of is None, so that a plan can say what it cannot tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import workloads
from bench.errors import UserError
from bench.verdict import _capacity_engines, _matrix_costs
from bench.verdict._capacity_engines import Engine
from bench.verdict._matrix_costs import INVOCATION, RUNTIME, Costs
from bench.verdict.bank import Array
from bench.verdict.evidence import first_ident

if TYPE_CHECKING:
    import pandas as pd

    from bench.store import Run

DEFAULT = "rag_simple"
METER, CALLS, SUBREQUESTS = "meter.", "calls.", "subrequests"
MODELS = ("anthropic", "openai")
"""Services that a request waits for by the token."""


@dataclass(frozen=True, slots=True)
class Heap:
    """Memory in MB of an isolate without requests, and of each one in flight."""

    base_mb: float
    each_mb: float
    evidence: str


@dataclass(frozen=True, slots=True)
class Used:
    """All that is known of one request.

    ``meters`` are amounts in the units of `prices.toml`, ``calls`` are calls by
    service, both means of warm requests and None in a run without them; ``most`` is
    the most of what was counted of one.
    """

    workload: str
    module: Any
    costs: Costs
    meters: Mapping[str, float] | None
    calls: Mapping[str, float] | None
    most: Mapping[str, float]
    heap: Heap | None
    engines: tuple[Engine, ...]

    @property
    def warm_ms(self) -> Array:
        """CPU in ms of warm requests, every process with the same weight."""
        return pooled(self.costs.usual)

    @property
    def cold_ms(self) -> Array:
        """The same of first requests."""
        return pooled(self.costs.first)

    @property
    def models(self) -> float:
        """Calls to a model; one where the run does not tell and the path has one."""
        if self.calls is None:
            return 0.0 if self.workload in ("webhook", "documents") else 1.0
        return sum(self.calls.get(name, 0.0) for name in MODELS)

    @property
    def others(self) -> float:
        """Calls to anything else; all but one of the subrequests at most where the run
        does not tell which they are."""
        if self.calls is None:
            return max(self.most.get(SUBREQUESTS, 0.0) - self.models, 0.0)
        return sum(n for name, n in self.calls.items() if name not in MODELS)


def pooled(groups: Mapping[int, Array]) -> Array:
    """Samples of all processes, those of shorter ones repeated."""
    size = max(map(len, groups.values()))
    return np.concatenate([np.resize(group, size) for group in groups.values()])


def read(run: Run, name: str | None) -> Used:
    """What the workload called ``name`` uses, ``DEFAULT`` where it is None.

    Raises UserError for an unknown workload, and for one that the run has no samples
    of.
    """
    wanted = name or DEFAULT
    [module] = workloads.chosen([wanted]).values()
    samples = run.samples()
    found = _matrix_costs.read(samples, wanted)
    costs = _matrix_costs.main(found, module.ROUTES[0], module)
    if costs is None:
        has = samples.loc[samples["invocation"] == INVOCATION, "stage"].unique()
        there = [known for known in workloads.load() if known in set(has)]
        remedy = "measure it with `bench workloads`"
        if there:
            remedy += f", or name one of {', '.join(there)} with --workload"
        raise UserError(
            f"this run has no requests of {wanted}",
            file=run.path,
            field="workload",
            remedy=remedy,
        )
    mine = _of(samples, costs)
    return Used(
        workload=wanted,
        module=module,
        costs=costs,
        meters=_means(samples, mine, METER),
        calls=_means(samples, mine, CALLS),
        most=costs.counts,
        heap=_heap(samples),
        engines=tuple(_capacity_engines.read(samples, module, found)),
    )


def _of(samples: pd.DataFrame, costs: Costs) -> pd.DataFrame:
    """Rows of the warm requests behind ``costs``, of the cold ones without any."""
    phase = "warm" if costs.warm else "cold"
    return samples[
        (samples["invocation"] == INVOCATION)
        & (samples["runtime"] == RUNTIME)
        & (samples["stage"] == costs.workload)
        & (samples["variant"] == costs.route)
        & (samples["fixture"] == costs.fixture)
        & (samples["phase"] == phase)
    ]


def _means(
    samples: pd.DataFrame, mine: pd.DataFrame, prefix: str
) -> dict[str, float] | None:
    """Amounts a request, zero where a request has no row; None where no workload of
    the run has any."""
    if not samples["metric"].str.startswith(prefix).any():
        return None
    requests = len(mine[["process", "seq"]].drop_duplicates())
    used = mine[mine["metric"].str.startswith(prefix)]
    sums = used.groupby("metric")["value"].sum()
    return {
        str(name).removeprefix(prefix): float(value) / requests
        for name, value in sums.items()
    }


def _heap(samples: pd.DataFrame) -> Heap | None:
    """A line through what is live by requests in flight, of the default chat request;
    None with fewer than two numbers of them."""
    rows = samples[
        (samples["stage"] == "heap")
        & (samples["runtime"] == RUNTIME)
        & samples["metric"].isin(("idle", "live"))
    ]
    if rows["variant"].nunique() < 2:
        return None
    many = rows["variant"].astype(float)
    each, base = np.polyfit(many, rows["value"], 1)
    return Heap(max(float(base), 0.0), max(float(each), 0.0), first_ident(rows))
