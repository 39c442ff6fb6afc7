"""Many variants, many questions: every question is a block of turns of its own.

The processes of one group hold every case of their variant, so that starting them,
which costs more than measuring, is paid once. Variants that answer the same question
take turns within milliseconds, and the reference takes a second turn there as its own
control. A group is a cell of the run: what has finished is kept and not made again.

    invocation  what the contest is about, such as ``parse``
    stage       the question's name, such as ``full``
    fixture     what the question is asked of
    variant     who answers; ``control`` is the reference once more
    process     the group
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import count
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.measure import affinity
from bench.measure.compare import CONFIDENCE, CONTROL, Budget
from bench.measure.process import ChildError
from bench.measure.samples import Row
from bench.measure.sizes import late
from bench.measure.statistics import (
    Interval,
    log_ratio,
    mean_interval,
    ratio_interval,
    typical,
)
from bench.measure.turns import TURN_NS, Group, Member, Pace, groups
from bench.workerd.process import WorkerdError

if TYPE_CHECKING:
    import pandas as pd

    from bench.store import Run

SEPARATOR = "\t"
ATTEMPTS = 3
"""Times that a group is tried whose processes end."""
# Elsewhere than in CPython a turn is a request, whose own cost is known to some 10 us;
# and in V8 it must be long enough for its share of garbage collections.
_LONG_TURN_NS = 4_000_000


def block(question: str, fixture: str) -> str:
    """The name of a block; no question and no fixture has a tabulator in its name."""
    return f"{question}{SEPARATOR}{fixture}"


def turn_ns(runtime: str) -> int:
    """Ns that a turn should take in ``runtime``."""
    return TURN_NS if runtime == "cpython" else _LONG_TURN_NS


@dataclass(slots=True)
class Block:
    """Turns of one question: variant -> one list of us a loop for each group.

    Lists of one group have the same length, and place i of each is the same round.
    """

    turns: dict[str, list[list[float]]] = field(default_factory=dict)

    def ratio(
        self, name: str, to: str, confidence: float = CONFIDENCE
    ) -> Interval | None:
        """CPU of ``name`` relative to ``to``; None where either was not measured."""
        if name not in self.turns or to not in self.turns:
            return None
        pairs = zip(self.turns[name], self.turns[to], strict=True)
        return ratio_interval([log_ratio(a, b) for a, b in pairs], confidence)

    def cost(self, name: str) -> Interval:
        """CPU of one loop in us: a typical turn of each group, mean over groups."""
        return mean_interval(self.costs(name))

    def costs(self, name: str) -> list[float]:
        """CPU of one loop in us, of each group."""
        return [typical(turns) for turns in self.turns[name]]

    @property
    def names(self) -> list[str]:
        """Who answered, the control left out."""
        return [name for name in self.turns if name != CONTROL]

    def add(self, group: Group, key: str) -> None:
        """Append the turns that ``group`` gave in the block ``key``."""
        for (name, there), turns in group.turns.items():
            if there == key:
                spent = [turn.cpu / turn.n / 1000 for turn in turns]
                self.turns.setdefault(name, []).append(spent)


@dataclass(frozen=True, slots=True)
class Contest:
    """Who competes, ``reference`` among them, for how long, and what it is called.

    ``metric`` is what their turns count in the place of CPU, where that is not CPU.
    """

    invocation: str
    members: Sequence[Member]
    reference: str
    budget: Budget
    pace: Pace
    runtimes: Mapping[str, str]  # variant -> runtime
    metric: str = "cpu"
    part: str = ""  # where some of its questions have a budget of their own

    @property
    def key(self) -> dict[str, str]:
        """What all its cells have in their keys."""
        return {"contest": self.invocation} | ({"part": self.part} if self.part else {})

    def everyone(self) -> list[Member]:
        """The members and the control."""
        known = {member.name: member for member in self.members}
        return [*self.members, replace(known[self.reference], name=CONTROL)]


def hold(
    contest: Contest,
    run: Run,
    *,
    seed: int,
    on_group: Callable[[int, float], None],
) -> None:
    """Measure groups into ``run`` until they are precise enough or the time is up.

    ``on_group`` is told how many there are and the median width of the ratios'
    intervals. Groups that the run already holds count. A group in which a process ends
    is measured again. Where that goes on, the run keeps the error and what it has of
    groups stands; with fewer than the least, ChildError or WorkerdError is raised.
    """
    blocks = {key: Block() for member in contest.members for key in member.cases}
    done = 0
    for asked, found in read(run.samples(), contest.invocation, contest.metric).items():
        if block(*asked) in blocks:
            blocks[block(*asked)] = found
            done = max(done, *(len(turns) for turns in found.turns.values()))
    began = time.monotonic() - _spent(run, contest)
    reached = width(blocks, contest.reference)
    with affinity.driving(), closing(_groups(contest, run, seed, done)) as stream:
        for number in count(done):
            if _enough(contest.budget, reached, number, time.monotonic() - began):
                return
            group = next(stream, None)
            if group is None:
                return
            for key, found in blocks.items():
                found.add(group, key)
            reached = width(blocks, contest.reference)
            on_group(number + 1, reached)


def _groups(contest: Contest, run: Run, seed: int, done: int) -> Generator[Group]:
    """Groups from number ``done`` on, each kept in its cell of the run."""
    broken = 0
    while True:
        members = groups(contest.everyone(), contest.pace, seed=seed + done + broken)
        try:
            with closing(members):
                while True:
                    with run.cell({**contest.key, "group": done}) as cell:
                        group = next(members)
                        cell.add(_rows(contest, group, done))
                    yield group
                    done, broken = done + 1, 0
        except (ChildError, WorkerdError):
            broken += 1
            if broken < ATTEMPTS:
                continue
            if done >= contest.budget.min_groups:
                return
            raise


def width(blocks: Mapping[str, Block], reference: str) -> float:
    """Median relative width of the intervals of all ratios; the control's are none."""
    found = [
        ratio.width
        for each in blocks.values()
        for name in each.names
        if name != reference and (ratio := each.ratio(name, reference)) is not None
    ]
    return median(found) if found else math.inf


def _spent(run: Run, contest: Contest) -> float:
    """Seconds that the groups took which the run already holds."""
    cells = run.manifest["cells"].values()
    mine = [
        cell
        for cell in cells
        if {**cell["key"], "group": None} == {**contest.key, "group": None}
    ]
    return float(sum(cell["seconds"] for cell in mine))


def _enough(budget: Budget, reached: float, done: int, spent: float) -> bool:
    if done < budget.min_groups:
        return False
    if reached <= budget.target_width:
        return True
    return late(spent, done, budget.seconds)


def _rows(contest: Contest, group: Group, number: int) -> Iterator[Row]:
    taken = dict.fromkeys(group.turns, 0)
    for seq, key in enumerate(group.order):
        turn = group.turns[key][taken[key]]
        taken[key] += 1
        name, where = key
        stage, _, fixture = where.partition(SEPARATOR)
        known = contest.reference if name == CONTROL else name
        place: Row = {
            "runtime": contest.runtimes[known],
            "phase": "warm",
            "invocation": contest.invocation,
            "stage": stage,
            "variant": name,
            "fixture": fixture,
            "process": number,
            "seq": seq,
            "unit": "us",
        }
        yield place | {"metric": contest.metric, "value": turn.cpu / turn.n / 1000}
        for metric, spent in (turn.extra or {}).items():
            yield place | {"metric": metric, "value": spent / turn.n / 1000}


def read(
    samples: pd.DataFrame, invocation: str, metric: str = "cpu"
) -> dict[tuple[str, str], Block]:
    """(question, fixture) -> block, from the rows that ``hold`` stored."""
    wanted = samples[
        (samples["invocation"] == invocation) & (samples["metric"] == metric)
    ].sort_values(["process", "seq"], kind="stable")
    found: dict[tuple[str, str], Block] = {}
    keys = ["stage", "fixture", "variant", "process"]
    grouped: Any = wanted.groupby(keys, sort=False)["value"]
    for (stage, fixture, variant, _), values in grouped:
        each = found.setdefault((stage, fixture), Block())
        each.turns.setdefault(variant, []).append(values.tolist())
    return found
