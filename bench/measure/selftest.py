"""The harness measures itself: how often is it wrong, and how fine does it see?

Each comparison takes turns between a fixed piece of code (json.loads), the same code
again (the A/A control) and the same code with 2 % more work. A control whose interval
excludes 1 is a false positive; a slower variant whose interval lies above 1 is found.
pyperf gets the same pair, the same core and the same wall time, in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.measure.compare import BLOCK, Budget, Comparison, compare
from bench.measure.duel import Duel, pyperf_compare
from bench.measure.process import Child, starter
from bench.measure.statistics import proportion_interval
from bench.measure.turns import Member

SUBJECT = "bench.measure.subjects:json_numbers"
EFFECT = 0.02


@dataclass(frozen=True, slots=True)
class Size:
    """How many comparisons, how long each may take, and how many of pyperf."""

    comparisons: int
    seconds: float
    duels: int
    target_width: float

    @property
    def total_seconds(self) -> float:
        """An upper estimate of the whole, for the progress display."""
        return self.comparisons * self.seconds + self.duels * 2 * self.seconds


SIZES = {
    "quick": Size(comparisons=100, seconds=7.0, duels=20, target_width=0.018),
    "full": Size(comparisons=200, seconds=10.0, duels=100, target_width=0.012),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One comparison of ours, or one of pyperf's (A/A, or with the effect)."""

    index: int
    ours: Comparison | None = None
    pyperf_same: Duel | None = None
    pyperf_slower: Duel | None = None


def trials(size: Size, seed: int) -> Iterator[Trial]:
    """Ours and pyperf's in turn, so that both meet the same hours of the machine."""
    every = max(1, size.comparisons // size.duels) if size.duels else 0
    for index in range(size.comparisons):
        yield Trial(index, ours=_ours(size, seed + index))
        if every and index % every == 0 and index // every < size.duels:
            yield Trial(
                index,
                pyperf_same=pyperf_compare(0.0, size.seconds),
                pyperf_slower=pyperf_compare(EFFECT, size.seconds),
            )


def _ours(size: Size, seed: int) -> Comparison:
    members = [_member("same", 0.0), _member("slower", EFFECT)]
    return compare(members, Budget(size.seconds, size.target_width), seed=seed)


def _member(name: str, extra: float) -> Member:
    return Member(name, starter(SUBJECT, {"extra": extra}), {BLOCK: "loads"})


def summarise(done: list[Trial]) -> dict[str, Any]:
    """Rates with exact 95 % intervals, median widths (1 = 100 %), seconds."""
    ours = [trial.ours for trial in done if trial.ours is not None]
    same = [trial.pyperf_same for trial in done if trial.pyperf_same is not None]
    slower = [trial.pyperf_slower for trial in done if trial.pyperf_slower is not None]
    false = _rate(ours, lambda c: not c.control_holds)
    power = _rate(ours, lambda c: c.ratios["slower"].low > 1.0)
    report: dict[str, Any] = {
        "false_positive_rate": false["value"],
        "power_2pct": power["value"],
        "interval_width": median(c.control.width for c in ours),
        "comparisons": len(ours),
        "false_positive": false,
        "power": power,
        "seconds_per_comparison": {
            "median": median(c.seconds for c in ours),
            "max": max(c.seconds for c in ours),
        },
        "groups_per_comparison": median(len(c.groups) for c in ours),
        "unsteady_processes": sum(len(g.unsteady) for c in ours for g in c.groups),
    }
    if same:
        found = _rate(slower, lambda d: d.significant and d.ratio > 1)
        wrong = _rate(same, lambda d: d.significant)
        report["pyperf"] = {
            "false_positive_rate": wrong["value"],
            "power_2pct": found["value"],
            "interval_width": median(d.width for d in (*same, *slower)),
            "false_positive": wrong,
            "power": found,
        }
    return report


def _rate(items: list[Any], holds: Callable[[Any], bool]) -> dict[str, float]:
    rate = proportion_interval(sum(map(holds, items)), len(items))
    return {"value": rate.value, "low": rate.low, "high": rate.high, "n": rate.n}


def empty_turn_us(seed: int, turns: int = 200) -> float:
    """The harness's own floor: CPU of a turn that does nothing, in us, median."""
    with Child("bench.measure.subjects:nothing", {}, seed=seed) as child:
        child.ready()
        return median(child.turn("nothing").cpu for _ in range(turns)) / 1000
