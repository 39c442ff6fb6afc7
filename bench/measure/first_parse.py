"""What parsing adds to the first request of an isolate, which has compiled nothing.

One workerd process holds many isolates of each parser, and each one's first request is
one sample; an empty request to another fresh isolate, right beside it, is subtracted.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from bench.measure import affinity
from bench.measure.samples import Row
from bench.measure.statistics import mean_interval
from bench.workerd.loops import request
from bench.workerd.process import WorkerdError

if TYPE_CHECKING:
    from types import ModuleType

    from bench.parsers import Case
    from bench.store import Run

INVOCATION = "first parse"
RUNTIME = "workerd"
_FLOOR = "floor"
_OK = 200


def measure(
    run: Run,
    cases: Mapping[str, tuple[ModuleType, Case]],
    fixture: str,
    *,
    isolates: int,
    seed: int,
) -> None:
    """Measure each parser of ``cases`` in that many fresh isolates, into ``run``.

    One cell a parser; those that the run has finished are left out. Raises
    WorkerdError, after recording it in the run, when workerd fails.
    """
    for name, (module, case) in cases.items():
        key = {"first": name, "mode": case.question.mode, "fixture": fixture}
        if run.done(key):
            continue
        with run.cell(key) as cell:
            cell.add(_rows(name, module, case, fixture, isolates, seed))


def _rows(
    name: str, module: ModuleType, case: Case, fixture: str, isolates: int, seed: int
) -> Iterator[Row]:
    from bench.parsers import _workerd

    draw = random.Random(seed)
    with (
        affinity.driving(),
        closing(_workerd.fresh(name, module, case, 2 * isolates)) as process,
    ):
        process.ready()
        order = draw.sample(range(2 * isolates), 2 * isolates)
        for number, pair in enumerate(zip(order[::2], order[1::2], strict=True)):
            for place, loops in zip(pair, draw.sample((0, 1), 2), strict=True):
                cost, (status, said) = process.cost(place, request("", loops))
                if status != _OK:
                    raise WorkerdError(f"{name}: {said.decode(errors='replace'):.300}")
                yield {
                    "runtime": RUNTIME,
                    "phase": "cold",
                    "invocation": INVOCATION,
                    "stage": case.question.mode,
                    "variant": name if loops else f"{name} {_FLOOR}",
                    "fixture": fixture,
                    "process": number,
                    "metric": "cpu",
                    "unit": "us",
                    "value": cost.cpu / 1000,
                }


def rows(run: Run, lengths: Mapping[str, int], names: Sequence[str]) -> list[Any]:
    """CPU in us that parsing adds to a first request, interval over isolates.

    ``lengths`` are bytes by fixture, ``names`` the parsers.
    """
    table = run.samples()
    table = table[table["invocation"] == INVOCATION]
    found = []
    for (fixture, mode), part in table.groupby(["fixture", "stage"], sort=False):
        wide = part.pivot_table(index="process", columns="variant", values="value")
        for name in names:
            if name not in wide:
                continue
            added = mean_interval((wide[name] - wide[f"{name} {_FLOOR}"]).tolist())
            found.append(
                {
                    "parser": name,
                    "runtime": RUNTIME,
                    "mode": mode,
                    "fixture": fixture,
                    "bytes": lengths.get(str(fixture)),
                    "cpu_us": added.value,
                    "low": added.low,
                    "high": added.high,
                    "n": added.n,
                }
            )
    return found
