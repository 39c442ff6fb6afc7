"""One fault: when, of whom, and whether what is left is what it must be."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Self

import psutil

from ._processes import PATIENCE_S, alive, family, sessions, wait_until
from ._work import State, Work

LIMIT_S = 240.0
KILLED = -signal.SIGKILL
CELLS_FAILED = 4


@dataclass(frozen=True, slots=True)
class Reference:
    """A run that nobody disturbed: its cells, and the seconds until each of them had
    finished and, last, until the command ended."""

    cells: frozenset[str]
    moments: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one fault; ``struck`` is False where the command ended before,
    and None where this machine cannot have it. ``wrong`` is empty where all holds."""

    struck: bool | None
    finished: int = 0
    code: int = 0
    seconds: float = 0.0
    wrong: tuple[str, ...] = ()


class Command:
    """A command of ``work`` that runs, with a temporary folder of its own."""

    def __init__(self, work: Work, arguments: tuple[str, ...], scratch: Path) -> None:
        self.temporary = scratch / "tmp"
        self.temporary.mkdir(exist_ok=True)
        self._errors = (scratch / "stderr.txt").open("w+b")
        self.process = psutil.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env=os.environ | work.environment | {"TMPDIR": str(self.temporary)},
            start_new_session=True,
        )

    def end(self) -> tuple[int, str]:
        """Wait; its exit code and what it said."""
        wait_until(lambda: self.process.poll() is not None, LIMIT_S)
        self.kill()
        self._errors.seek(0)
        return self.process.wait(), self._errors.read().decode(errors="replace")

    def kill(self) -> None:
        """End it and all that it started, if it still runs."""
        if self.process.poll() is None:
            for each in family(self.process):
                with suppress(psutil.NoSuchProcess):
                    each.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._errors.close()


def reference(work: Work, scratch: Path) -> Reference:
    """Run ``work`` undisturbed. Raises RuntimeError where that fails."""
    out = scratch / "run"
    began = time.monotonic()
    moments: list[float] = []
    with Command(work, work.start(out), scratch) as command:
        while command.process.poll() is None:
            now = time.monotonic() - began
            moments += [now] * (len(work.cells(out)) - len(moments))
            time.sleep(0.02)
        code, said = command.end()
    state = work.read(out)
    if code or state.broken or state.failed:
        raise RuntimeError(f"exit {code}, {state.broken}, {state.failed}: {said}")
    moments.append(time.monotonic() - began)
    return Reference(frozenset(state.finished), tuple(moments))


def trial(
    victim: ModuleType, work: Work, known: Reference, scratch: Path, draw: random.Random
) -> Trial:
    """Strike ``work`` at a moment that ``draw`` picks, and look."""
    place = getattr(victim, "place", nullcontext)
    with place(scratch) as folder:
        if folder is None:
            return Trial(None)
        began = time.monotonic()
        out = folder / "run"
        with Command(work, work.start(out), scratch) as command:
            found = _struck(victim, work, known, command, out, draw)
        spent = time.monotonic() - began
        return Trial(found.struck, found.finished, found.code, spent, found.wrong)


def _struck(
    victim: ModuleType,
    work: Work,
    known: Reference,
    command: Command,
    out: Path,
    draw: random.Random,
) -> Trial:
    target = _moment(victim, work, known, command, out, draw)
    before = _read(work, out) if target is not None else None
    members = family(command.process)
    groups = sessions(members)
    if target is not None:
        with suppress(psutil.NoSuchProcess):
            getattr(victim, "strike", _kill)(target, out)
    code, said = command.end()
    wrong = _said(code, said, (*victim.EXITS, 0))
    # Now and then the next command does not wait for what the last one left.
    if code != KILLED or draw.random() < 0.5:
        wrong += _ended(members, groups)
    left = _left(victim, command)
    finished = len(before.finished) if before else 0
    if target is not None and code == 2 and not out.exists():
        return Trial(True, finished, code, wrong=(*wrong, *left))
    state = work.read(out)
    wrong += [*_kept(before, state), *state.broken]
    getattr(victim, "heal", _nothing)(out)
    if not state.sealed:
        arguments = work.resume(out) if out.exists() else work.start(out)
        with Command(work, arguments, command.temporary.parent) as again:
            wrong += _said(*again.end(), (0,))
        last = work.read(out)
        wrong += [*_kept(state, last), *last.broken, *_ended(members, groups)]
        state = last
    wrong += left or _left(victim, command)
    wrong += _whole(state, known, code)
    return Trial(target is not None, finished, code, wrong=tuple(wrong))


def _read(work: Work, out: Path) -> State | None:
    """What there is while it is being written; None where it was sealed meanwhile."""
    try:
        return work.read(out)
    except OSError:
        return None


def _kill(process: psutil.Process, folder: Path) -> None:
    process.kill()


def _nothing(folder: Path) -> None:
    """A kill leaves nothing to be mended."""


def _moment(
    victim: ModuleType,
    work: Work,
    known: Reference,
    command: Command,
    out: Path,
    draw: random.Random,
) -> psutil.Process | None:
    """Wait until some cells have finished and a part of the time of the next one is
    over, then for a process to strike; None where the command ended before."""
    process = command.process
    after, share, choice = (
        draw.randrange(len(known.moments)),
        draw.random(),
        draw.random(),
    )

    def reached() -> bool:
        return process.poll() is not None or len(work.cells(out)) >= after

    wait_until(reached, LIMIT_S)
    first = known.moments[after - 1] if after else 0.0
    pause = share * (known.moments[after] - first)
    wait_until(lambda: process.poll() is not None, pause)
    while process.poll() is None:
        found = sorted(victim.find(process, out), key=lambda each: each.pid)
        if found:
            return found[int(choice * len(found))]
        time.sleep(0.005)
    return None


def _said(code: int, said: str, allowed: tuple[int, ...]) -> list[str]:
    """What is wrong with how a command ended."""
    wrong = [] if code in allowed else [f"exit {code}: {said[-600:]}"]
    if "Traceback" in said:
        wrong.append(f"a traceback: {said[-600:]}")
    if code == 2 and "\n  remedy: " not in said:
        wrong.append(f"no remedy: {said[-600:]}")
    return wrong


def _ended(members: list[psutil.Process], groups: set[int]) -> list[str]:
    if wait_until(lambda: not alive(members, groups), PATIENCE_S):
        return []
    return [f"still lives: {line}" for line in alive(members, groups)]


def _left(victim: ModuleType, command: Command) -> list[str]:
    """Entries of the temporary folder that nobody removes any more."""
    left = sorted(path.name for path in command.temporary.iterdir())
    if len(left) <= getattr(victim, "SLACK", 0):
        return []
    return [f"left in the temporary folder: {left}"]


def _kept(before: State | None, after: State) -> list[str]:
    """What had finished before and is not there any more, or is another."""
    return [
        f"{name} was {'changed' if name in after.finished else 'lost'}"
        for name, rows in (before.finished if before else {}).items()
        if after.finished.get(name) != rows
    ]


def _whole(state: State, known: Reference, code: int) -> list[str]:
    """How the cells differ from those of the run that nobody disturbed."""
    found = frozenset(state.finished)
    wrong = [f"missing {name}" for name in known.cells - found - state.failed]
    wrong += [f"unknown {name}" for name in found - known.cells]
    if code != CELLS_FAILED:
        wrong += [f"failed {name}" for name in state.failed]
    return wrong if state.sealed else [*wrong, "it was not sealed"]
