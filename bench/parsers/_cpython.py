"""Parsers in CPython: each in a fresh process, which dies alone.

CPU is that of the whole process: a data-frame reader hands its work to a thread, and
that of the calling thread alone would leave it out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.measure.process import Child, ChildError, Turn
from bench.parsers import Case, Question
from bench.parsers._answers import Outcome
from bench.parsers._children import each
from bench.parsers._peak import added_by
from bench.parsers._subject import READY
from bench.parsers._travel import whole

_SUBJECT = "bench.parsers._subject"
_SEED = 1  # of processes in which nothing is timed
_OTHER = Question("full", "other")


class Parsing:
    """A subject of `bench.measure.turns`: a parser with its bodies."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self.seed = child.seed

    @property
    def startup_cpu_ns(self) -> int:
        """CPU until the bodies were read."""
        return self._child.startup_cpu_ns

    def ready(self) -> None:
        """Wait for the set-up and move to the measuring core. Raises ChildError."""
        self._child.ready()

    def turn(self, case: str, n: int = 1) -> Turn:
        """Answer ``case`` n times. Raises ChildError."""
        turn = self._child.turn(case, n)
        return Turn(case, n, turn.extra, turn.wall, turn.run_delay, None)

    def close(self) -> None:
        """End the process; safe to call twice."""
        self._child.close()


def start(
    name: str, module: ModuleType, cases: Mapping[str, Case], *, seed: int
) -> Parsing:
    """A fresh process that holds the bodies of ``cases``; ``ready`` waits for it."""
    return Parsing(_child("setup", name, module, _listed(cases), seed))


def judge(name: str, module: ModuleType, cases: Mapping[str, Case]) -> dict[str, str]:
    """Case -> '', or why its answer is wrong, in words."""
    found = _each("judging", name, module, _listed(cases))
    return {
        case: f"crashed: {said}" if isinstance(said, ChildError) else said
        for case, said in found
    }


def outcomes(
    name: str, module: ModuleType, texts: Mapping[str, bytes]
) -> dict[str, Outcome]:
    """What becomes of each text when all of it is asked; {} where it never is."""
    if module.reader(_OTHER) is None:
        return {}
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        files = {text: str(Path(folder, str(n))) for n, text in enumerate(texts)}
        for text, file in files.items():
            Path(file).write_bytes(texts[text])
        found = _each("trying", name, module, files)
        return {text: _outcome(said) for text, said in found}


def peak_bytes(name: str, module: ModuleType, case: Case, *, seed: int) -> int | None:
    """Resident memory that one answer adds at its peak; None where it is not told.

    In a fresh process that has read the body and refused another one; memory that lay
    free by then, some 100 KB, is not seen.
    """
    try:
        with _child("weighing", name, module, _listed({"": case}), seed) as child:
            child.ready()
            pid: int = child.turn(READY).extra
            return added_by(lambda: child.turn(""), pid)
    except ChildError:
        return None


def _outcome(said: Any) -> Outcome:
    if isinstance(said, ChildError):
        return Outcome("crashed", why=str(said))
    state, tokens, why = said
    if state != "accepted":
        return Outcome(state, why=why)
    return Outcome(state, whole(tokens))


def _each(
    setup: str, name: str, module: ModuleType, cases: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    return each(
        cases,
        lambda left: _child(setup, name, module, left, _SEED),
        lambda child, case: child.turn(case).extra,
    )


def _child(
    setup: str, name: str, module: ModuleType, cases: Mapping[str, Any], seed: int
) -> Child:
    parameters = {"name": name, "file": module.__file__, "cases": dict(cases)}
    return Child(f"{_SUBJECT}:{setup}", parameters, seed=seed)


def _listed(cases: Mapping[str, Case]) -> dict[str, list[str]]:
    return {name: [*case.question, str(case.file)] for name, case in cases.items()}
