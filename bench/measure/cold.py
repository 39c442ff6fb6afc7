"""Cold: the first request of a fresh process, one process a sample.

Importing and setting up come before the first request and are reported apart, as
start-up: on Workers the global scope has a budget of its own (1 s) and is not charged
to a request. The next process starts on the driving cores meanwhile.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from bench.measure.process import Turn
from bench.measure.turns import Key, Member, Subject

# How many processes start up ahead of the one that is measured.
AHEAD = 2
# Requests after the first: the tenth of a process shows whether it is warm by then.
LATER = 9


@dataclass(frozen=True, slots=True)
class ColdRound:
    """One first request of every member and block, each from a process of its own,
    and what the same process took for the requests that followed, where asked for."""

    turns: dict[Key, Turn]
    later: dict[Key, list[Turn]]
    startup_cpu_ns: dict[str, int]
    order: list[Key]


def cold_rounds(
    members: Sequence[Member], *, seed: int, warmed: str = ""
) -> Generator[ColdRound]:
    """Endless rounds in random order; close the generator to end the processes.

    The member called ``warmed`` gets nine more requests, which show how a process
    warms up. Raises ChildError when a member fails.
    """
    draw = random.Random(seed)
    keys = [(member.name, block) for member in members for block in member.cases]
    by_name = {member.name: member for member in members}
    waiting: deque[tuple[Key, Subject]] = deque()
    plan: deque[Key] = deque()

    def refill() -> None:
        while len(waiting) < AHEAD:
            if not plan:
                plan.extend(draw.sample(keys, len(keys)))
            key = plan.popleft()
            waiting.append((key, by_name[key[0]].start(draw.getrandbits(32))))

    try:
        while True:
            turns: dict[Key, Turn] = {}
            later: dict[Key, list[Turn]] = {}
            startup: dict[str, int] = {}
            while len(turns) < len(keys):
                refill()
                key, subject = waiting[0]
                case = by_name[key[0]].cases[key[1]]
                try:
                    subject.ready()
                    turns[key] = subject.turn(case)
                    if key[0] == warmed:
                        later[key] = [subject.turn(case) for _ in range(LATER)]
                    startup[key[0]] = subject.startup_cpu_ns
                finally:
                    subject.close()
                waiting.popleft()
            yield ColdRound(turns, later, startup, list(turns))
    finally:
        for _, subject in waiting:
            subject.close()
