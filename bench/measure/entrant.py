"""A plug-in that takes part in a contest: it answers first and is timed then."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from bench.errors import BenchError
from bench.measure.contest import turn_ns
from bench.measure.turns import Member, Subject


@dataclass(slots=True)
class Entrant:
    """A parser or a re-ranker: its cases by block, and what is wrong with each."""

    name: str
    module: ModuleType
    cases: dict[str, Any]
    version: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> ModuleType:
        """The module that starts and judges it. Raises BenchError."""
        raise NotImplementedError

    @property
    def sound(self) -> dict[str, Any]:
        """Cases whose answer is right."""
        return {key: case for key, case in self.cases.items() if not self.errors[key]}

    def member(self, within: Container[str] | None = None) -> Member:
        """How it takes turns: in the blocks of its sound cases, or those ``within``."""
        cases = {
            key: case
            for key, case in self.sound.items()
            if within is None or key in within
        }
        own = {key: key for key in cases}
        turn = turn_ns(self.module.RUNTIME)
        return Member(self.name, self.starter(cases), own, turn_ns=turn)

    def starter(self, cases: Mapping[str, Any]) -> Callable[[int], Subject]:
        """How a process starts that holds ``cases``, given the seed of its group."""
        host = self.host

        def start(seed: int) -> Subject:
            started: Subject = host.start(self.name, self.module, cases, seed=seed)
            return started

        return start

    def judge(self) -> None:
        """Learn the version and what is wrong with each case."""
        try:
            self.version = self.module.version()
            self.errors = self.host.judge(self.name, self.module, self.cases)
        except BenchError as error:
            self.errors = dict.fromkeys(self.cases, str(error))
