"""What the requests of a production log cost on this machine: a workload of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench import workloads
from bench.errors import UserError
from bench.store import Run
from bench.verdict import _matrix_costs
from bench.verdict.bank import Array

DEFAULT = "rag_simple"
"""The workload that a log is taken to be of, where none is named and this was measured:
the service that the article is about."""

_GROUPS = 2  # fewer say nothing of the next


@dataclass(frozen=True, slots=True)
class Local:
    """CPU in ms of single requests of a workload, an array for each process.

    ``cold`` are first requests of an isolate, and empty where fewer than two processes
    have measured any. ``assumed`` says that nobody named the workload.
    """

    workload: str
    warm: Mapping[int, Array]
    cold: Mapping[int, Array]
    assumed: bool = False


def local(run: Run, name: str | None = None) -> Local:
    """The native route of the workload ``name`` in ``run``, with its own input; without
    a name the only one that the run has, else ``DEFAULT``.

    Raises UserError where the run has no warm requests of it from two processes, or
    has several workloads and none is named.
    """
    known = workloads.chosen([name] if name else [])
    samples = run.samples()
    found: dict[str, _matrix_costs.Costs] = {}
    for one, module in known.items():
        costs = _matrix_costs.main(
            _matrix_costs.read(samples, one), workloads.in_worker(module)[0], module
        )
        if costs is not None and len(costs.warm) >= _GROUPS:
            found[one] = costs
    if not found:
        raise UserError(
            f"has no warm requests of {name or 'any workload'} from {_GROUPS} or more "
            "processes",
            file=run.path,
            field="--workload",
            remedy="measure it with `bench workloads`, or name another run with --run",
        )
    chosen = name or (DEFAULT if DEFAULT in found else next(iter(found)))
    if name is None and len(found) > 1 and DEFAULT not in found:
        raise UserError(
            f"has {', '.join(found)}, and the log may be of any of them",
            file=run.path,
            field="--workload",
            remedy="name the one that production serves: --workload NAME",
        )
    costs = found[chosen]
    cold = costs.cold if len(costs.cold) >= _GROUPS else {}
    return Local(chosen, costs.warm, cold, assumed=name is None)
