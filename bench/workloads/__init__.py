"""The rows of the article's decision matrix, each as requests that are replayed.

A row is a file of this folder, and `bench.registry` finds it by listing. It defines

    TITLE      the row's words in the article
    ARTICLE    {"native", "external"}: what the article says of the two columns
    ORDER      its place in the matrix
    ROUTES     ways to do it that are measured: "native" first, then variants of it, and
               "external" where the article moves it out and an engine can stand for it
    NOTE       a sentence on what is replayed
    requests(scene, route) -> list[Replay]    what is replayed on a route of the Worker

and may define

    ENGINES    the engines of `bench.engines` that "external" stands for, if not all
    NEEDS      {limit: amount}: what it takes of a limit of `bench.platform`, such as
               "vectorize.vectors"

A ``Replay`` is one request with the answer that it must have, which comes from the
path in Python. It can be sent any number of times at the same cost.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from bench import registry
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.path.http import Request
    from bench.workloads._scene import Scene

NAMES = ("TITLE", "ARTICLE", "ORDER", "ROUTES", "NOTE", "requests")
NATIVE, EXTERNAL = "native", "external"
_ENGINES = "bench.engines"
_BYTES = {"KB": 10**3, "MB": 10**6}
_FIXTURE = re.compile(r"([\d,]*\.?\d+) (\w+)")


@dataclass(frozen=True, slots=True)
class Replay:
    """``fixture`` says how large the input is, a number and its unit: ``4 MB``.

    ``answer`` is the status and the body that the Worker must answer with, ``told``
    what the model must have been told last, where the path asks one.
    """

    fixture: str
    request: Request
    answer: tuple[int, bytes]
    told: Any = None


class Workload(Protocol):
    """The names that each file of this folder defines."""

    TITLE: str
    ARTICLE: dict[str, str]
    ORDER: int
    ROUTES: tuple[str, ...]
    NOTE: str

    def requests(self, scene: Scene, route: str) -> Sequence[Replay]:
        """What is replayed on ``route``. Raises BenchError where the path fails."""


def size_of(fixture: str) -> tuple[int, str] | None:
    """The number and the unit in the name of an input, None where it has none.

    ``4 MB`` is 4,000,000 bytes.
    """
    found = _FIXTURE.fullmatch(fixture)
    if found is None:
        return None
    number, unit = float(found[1].replace(",", "")), found[2]
    return round(number * _BYTES.get(unit, 1)), "bytes" if unit in _BYTES else unit


def load() -> dict[str, Workload]:
    """Every workload by name, in the order of the matrix.

    Raises BenchError that names the file of one that is malformed.
    """
    found = registry.load(__name__, NAMES)
    names = sorted(found, key=lambda name: int(found[name].ORDER))
    return {name: cast(Workload, found[name]) for name in names}


def chosen(names: Sequence[str]) -> dict[str, Workload]:
    """The workloads called ``names``, all where there are none, in matrix order.

    Raises UserError for an unknown one.
    """
    known = load()
    for name in names:
        if name not in known:
            raise UserError(
                f"{name!r} is not a workload",
                field="workload",
                remedy=f"choose one or more of {', '.join(known)}",
            )
    return {name: known[name] for name in known if not names or name in names}


def in_worker(workload: Workload) -> tuple[str, ...]:
    """Routes that the Worker goes alone."""
    return tuple(route for route in workload.ROUTES if route != EXTERNAL)


def routes(workload: Workload) -> tuple[str, ...]:
    """All routes, with the engines that are there in the place of "external"."""
    there = engines() if EXTERNAL in workload.ROUTES else []
    wanted = getattr(workload, "ENGINES", there)
    return (*in_worker(workload), *(name for name in there if name in wanted))


def engines() -> list[str]:
    """Names of the external engines of this package, none where it has none."""
    if importlib.util.find_spec(_ENGINES) is None:
        return []
    return list(importlib.import_module(_ENGINES).load())
