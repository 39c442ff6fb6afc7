"""Variants take turns on one core: the design that every comparison here uses.

One *group* is a set of fresh processes, one a member. In each *round* every process
gets one turn per block, in random order; a *block* holds the cases that are compared
with each other, so that their turns lie within milliseconds. Each group yields one
estimate, several groups yield the interval. The next group starts up on the driving
core while the present one measures.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from bench.measure.process import Turn
from bench.measure.warmup import STEADY_TURNS, is_steady

TURN_NS = 1_500_000
MIN_ROUNDS = 3
# Turns that one loop may fill before there is nothing to calibrate.
LONG = 4
# A turn that is this many times shorter than it should be is calibrated anew.
SHRUNK = 3
Key = tuple[str, str]


class Subject(Protocol):
    """A measured process, whatever runs in it."""

    seed: int
    startup_cpu_ns: int

    def ready(self) -> None:
        """Wait for the set-up and move to the measuring core."""

    def turn(self, case: str, n: int = 1) -> Turn:
        """Run ``n`` loops of ``case``."""

    def close(self) -> None:
        """End it; safe to call twice."""


@dataclass(frozen=True, slots=True)
class Member:
    """One process of each group: how it starts, and its case in each block.

    ``loops`` of a turn are calibrated to ``turn_ns`` where they are not given.
    """

    name: str
    start: Callable[[int], Subject]
    cases: Mapping[str, str]
    loops: int | None = None
    turn_ns: int = TURN_NS


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a group works: rounds, and limits for cases that take long.

    A group ends after ``rounds``, or after ``seconds`` once it has ``least`` of them;
    the warm-up of one case ends after ``warm_seconds`` even when it is not steady. A
    block that has taken ``block_seconds`` gets no more than ``least`` turns a member,
    so that a case of a second does not take the time of a hundred short ones.
    """

    rounds: int = 60
    seconds: float = 10.0
    warm_seconds: float = 2.0
    block_seconds: float = math.inf
    least: int = MIN_ROUNDS


@dataclass(slots=True)
class Group:
    """Turns of one group by (member, block); index i of each list is round i.

    ``order`` lists the keys in the order in which their turns were given.
    """

    seed: int
    loops: dict[Key, int]
    turns: dict[Key, list[Turn]]
    order: list[Key]
    startup_cpu_ns: dict[str, int]
    unsteady: list[Key]

    def cpu(self, member: str, block: str) -> list[float]:
        """CPU ns per loop of each round."""
        return [turn.cpu / turn.n for turn in self.turns[member, block]]


def groups(members: Sequence[Member], pace: Pace, *, seed: int) -> Generator[Group]:
    """Endless groups of fresh processes; close the generator to end the processes.

    Raises ChildError when a member fails.
    """
    draw = random.Random(seed)
    loops: dict[Key, int] = {}
    with ExitStack() as stack:
        coming = _start(members, draw.getrandbits(32), stack)
        while True:
            present, coming = coming, _start(members, draw.getrandbits(32), stack)
            try:
                group = _Session(members, present, pace, loops).measure(draw)
                # Calibrating takes as long as some rounds: the next group, which runs
                # the same cases, need not do it again.
                loops = group.loops
                yield group
            finally:
                for subject in present:
                    subject.close()


def _start(members: Sequence[Member], seed: int, stack: ExitStack) -> list[Subject]:
    # One seed a group: its members share hash seed and padding, so that layout
    # differs between groups, where the interval sees it, and not inside a ratio.
    subjects = []
    for member in members:
        subject = member.start(seed)
        stack.callback(subject.close)
        subjects.append(subject)
    return subjects


class _Session:
    """One group at work."""

    def __init__(
        self,
        members: Sequence[Member],
        subjects: Sequence[Subject],
        pace: Pace,
        known: Mapping[Key, int],
    ) -> None:
        self.pace = pace
        self.known = known  # loops of the group before
        self.members = {member.name: member for member in members}
        self.subjects = dict(zip(self.members, subjects, strict=True))
        self.blocks: dict[str, list[str]] = {}
        for member in members:
            for block in member.cases:
                self.blocks.setdefault(block, []).append(member.name)
        self.loops: dict[Key, int] = {}
        self.own: list[Key] = []  # not taken over from another member
        self.last: dict[Key, int] = {}  # CPU ns of the last turn of the warm-up

    def measure(self, draw: random.Random) -> Group:
        for subject in self.subjects.values():
            subject.ready()
        for block, names in self.blocks.items():
            for name in names:
                self.loops[name, block] = self._loops(name, block)
        unsteady = [key for key in self.loops if not self._warm_up(key)]
        for key in self.own:
            self._again(key)
        turns: dict[Key, list[Turn]] = {key: [] for key in self.loops}
        order: list[Key] = []
        until = time.monotonic() + self.pace.seconds
        spent = dict.fromkeys(self.blocks, 0)
        for done in range(self.pace.rounds):
            if done >= self.pace.least and time.monotonic() > until:
                break
            for key in self._round(draw, self._left(done, spent)):
                turn = self._turn(key)
                turns[key].append(turn)
                order.append(key)
                spent[key[1]] += turn.wall
        subjects = self.subjects
        return Group(
            seed=next(iter(subjects.values())).seed,
            loops=self.loops,
            turns=turns,
            order=order,
            startup_cpu_ns={n: s.startup_cpu_ns for n, s in subjects.items()},
            unsteady=unsteady,
        )

    def _left(self, done: int, spent: dict[str, int]) -> list[str]:
        """Blocks that get a turn in the round after ``done`` of them."""
        if done < self.pace.least:
            return list(self.blocks)
        limit = self.pace.block_seconds * 1e9
        return [block for block, wall in spent.items() if wall < limit]

    def _round(self, draw: random.Random, blocks: list[str]) -> list[Key]:
        keys: list[Key] = []
        for block in draw.sample(blocks, len(blocks)):
            names = self.blocks[block]
            keys += [(name, block) for name in draw.sample(names, len(names))]
        return keys

    def _turn(self, key: Key) -> Turn:
        name, block = key
        case = self.members[name].cases[block]
        return self.subjects[name].turn(case, self.loops[key])

    def _again(self, key: Key) -> None:
        """Calibrate anew what the warm-up has made much faster, and who shares it."""
        name, block = key
        member = self.members[name]
        if self.last[key] < member.turn_ns / SHRUNK:
            loops = self._calibrated(name, block)
            for other in [key, *self._alike(name, block)]:
                if self.members[other[0]].loops is None:
                    self.loops[other] = loops

    def _alike(self, name: str, block: str) -> list[Key]:
        """Others that run the same case: a control must be the reference in all but
        name, so they get the same loops."""
        case = self.members[name].cases[block]
        return [
            (other, block)
            for other in self.blocks[block]
            if other != name and self.members[other].cases[block] == case
        ]

    def _loops(self, name: str, block: str) -> int:
        member = self.members[name]
        if member.loops is not None:
            return member.loops
        for other in self._alike(name, block):
            if other in self.loops:
                return self.loops[other]
        self.own.append((name, block))
        if (name, block) in self.known:
            return self.known[name, block]
        return self._calibrated(name, block)

    def _calibrated(self, name: str, block: str) -> int:
        member = self.members[name]
        return calibrate(self.subjects[name], member.cases[block], member.turn_ns)

    def _warm_up(self, key: Key, *, limit: int = 120) -> bool:
        """Give turns, one at least, until they are steady; False if they never are."""
        seen: list[float] = []
        until = time.monotonic() + self.pace.warm_seconds
        while not seen or (
            len(seen) < limit
            and (len(seen) < self.pace.least or time.monotonic() < until)
        ):
            self.last[key] = self._turn(key).cpu
            seen.append(self.last[key])
            if len(seen) >= 2 * STEADY_TURNS and len(seen) % 6 == 0 and is_steady(seen):
                return True
        return False


def calibrate(subject: Subject, case: str, turn_ns: int = TURN_NS) -> int:
    """Loops of ``case`` that fill a turn, found by doubling."""
    n = 1
    while (cpu := subject.turn(case, n).cpu) < turn_ns / 2:
        n *= 2
    if n == 1 and cpu > LONG * turn_ns:
        return 1  # however often it is asked
    # The smallest of three: a single one may have met an interruption.
    cpu = min(subject.turn(case, n).cpu for _ in range(3))
    # At most twice what the doubling has shown: one reading near zero, easy to get
    # while a compiler takes over, would ask for millions.
    return max(1, min(2 * n, round(turn_ns * n / cpu)))
