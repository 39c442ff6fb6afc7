"""A re-ranker in a process of its own: measured, or asked for its rankings.

Each function is the set-up of a `bench.measure.child`, and its parameters say which
re-ranker (``module`` and ``file``) and which ``cases``: [k, dims, input, file or None]
by name. Only this re-ranker is imported, from its file, so that it may lie anywhere.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import BenchError
from bench.rerankers import Case, Ranking
from bench.rerankers._jobs import Job, job, parsed


def setup(parameters: dict[str, Any]) -> dict[str, Callable[[int], None]]:
    """Every case in a loop; what a call ranks was prepared before."""
    module = _module(parameters)
    jobs = lru_cache(None)(job)
    cases: dict[str, Callable[[int], None]] = {}
    for name, case in _cases(parameters):
        given = jobs(case.k, case.dims, case.file)
        rank = _ranker(module, case, given)
        loop = _Fresh if case.input == "fresh" else _Again
        cases[name] = loop(rank, given, case.input)
    return cases


def rankings(parameters: dict[str, Any]) -> dict[str, Callable[[int], Any]]:
    """Every case once: its extra is a list of [order, scores], one for each query."""
    module = _module(parameters)
    batched = hasattr(module, "BATCH")

    def asked(case: Case) -> Callable[[int], Any]:
        def ask(_n: int) -> Any:
            given = job(case.k, case.dims, case.file)
            found = _ranker(module, case, given)(given.given(case.input))
            return [_plain(*each) for each in (found if batched else [found])]

        return ask

    return {name: asked(case) for name, case in _cases(parameters)}


class _Again:
    """The same values over and over."""

    def __init__(self, rank: Callable[[Any], Any], given: Job, form: str) -> None:
        self._rank, self._given = rank, given.given(form)

    def prepare(self, n: int) -> None:
        """Once before the clock: the caches hold what another process used."""
        self._rank(self._given)

    def __call__(self, n: int) -> None:
        rank, given = self._rank, self._given
        for _ in range(n):
            rank(given)


class _Fresh:
    """Values parsed before the clock, for each call anew."""

    def __init__(self, rank: Callable[[Any], Any], given: Job, _form: str) -> None:
        self._rank, self._body = rank, given.response
        self._given: list[Any] = []

    def prepare(self, n: int) -> None:
        """Parse n times."""
        self._given = []  # before there are twice as many
        self._given = [parsed(self._body) for _ in range(n)]

    def __call__(self, n: int) -> None:
        rank = self._rank
        for given in self._given:
            rank(given)


def _plain(order: Iterable[Any], scores: Iterable[Any]) -> Ranking:
    return Ranking([int(place) for place in order], [float(one) for one in scores])


def _cases(parameters: dict[str, Any]) -> list[tuple[str, Case]]:
    return [
        (name, Case(k, dims, form, None if file is None else Path(file)))
        for name, (k, dims, form, file) in parameters["cases"].items()
    ]


def _ranker(module: ModuleType, case: Case, given: Job) -> Callable[[Any], Any]:
    prepare = module.ranker(case.input)
    if prepare is None:
        raise BenchError(f"{module.__file__}: cannot rank {case.input}")
    rank: Callable[[Any], Any] = prepare(given)
    return rank


def _module(parameters: dict[str, Any]) -> ModuleType:
    name, file = parameters["module"], parameters["file"]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise BenchError(f"{file}: is not Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
