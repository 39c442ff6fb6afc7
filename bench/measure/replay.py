"""``bench workloads``: every row of the decision matrix, in a Worker and outside of it.

First the engines that external routes name, each by itself and behind a Worker
(`bench.measure.engines`), then what Workers do alone (`bench.measure.workloads`). Both
go into one run, so that the matrix finds an engine's route beside the Worker's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bench import engines as known
from bench.errors import BenchError
from bench.measure import engines, workloads
from bench.measure.stages import PHASES, Reporter
from bench.workerd import tools
from bench.workloads import chosen, routes

if TYPE_CHECKING:
    from bench.platform import LimitProfile
    from bench.store import Run

Row = dict[str, Any]


def needed(names: Sequence[str]) -> dict[str, ModuleType]:
    """Engines on the routes of the workloads called ``names``, all where there are
    none. Raises UserError for an unknown workload."""
    wanted = {route for each in chosen(names).values() for route in routes(each)}
    return {name: engine for name, engine in known.load().items() if name in wanted}


def seconds(profile: str, names: Sequence[str] = ()) -> float:
    """An upper estimate for the progress display, engines and workloads together."""
    outside = engines.seconds(engines.PLANS[profile], needed(names))
    return outside + workloads.seconds(profile)


def replay(
    run: Run,
    *,
    names: Sequence[str] = (),
    profile: str,
    limits: LimitProfile,
    seed: int,
    progress: Reporter,
) -> Row:
    """Measure what the run lacks, then derive the document of ``bench workloads``.

    It is that of `bench.measure.workload_tables`, with the document of the engines
    (`bench.engines._tables`) as ``engines`` and their errors among its own. Raises
    UserError for an unknown workload, BenchError where workerd or the services cannot
    run; an engine that cannot is skipped.
    """
    outside = needed(names)
    reason = tools.unavailable()
    if reason is not None:
        raise BenchError(reason)
    found = engines.measure(
        run,
        outside,
        engines.PLANS[profile],
        phases=PHASES,
        seed=seed,
        progress=progress,
        workloads=list(chosen(names)),
    )
    document = workloads.measure(
        run,
        names=names,
        profile=profile,
        limits=limits,
        seed=seed,
        progress=progress,
    )
    failed = {
        f"{_place(error['key'])}: {error['message']}" for error in found["errors"]
    }
    errors = sorted({*document["errors"], *failed})
    return document | {"engines": found, "errors": errors}


def _place(key: Row) -> str:
    """What an error of the engines is about: one of them, or a workload behind it."""
    names = ("workload", "route", "phase")
    return key.get("engine") or " ".join(str(key[n]) for n in names if n in key)
