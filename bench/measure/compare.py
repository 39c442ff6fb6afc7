"""Compare variants with a reference, with the A/A control beside every answer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from bench.measure import affinity
from bench.measure.sizes import late
from bench.measure.statistics import Interval, log_ratio, ratio_interval
from bench.measure.turns import Group, Member, Pace, groups

CONTROL = "control"
BLOCK = "compare"
# Stopping as soon as an interval looks narrow favours intervals that are too narrow
# by chance: at a nominal 95 % identical code came out different in 7 % of simulated
# comparisons, at this confidence in 5 % or less (tests/test_measure_turns.py).
CONFIDENCE = 0.97


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop: at a target relative width of every interval, or at a time
    limit, not before ``min_groups``."""

    seconds: float
    target_width: float
    rounds: int = 60
    min_groups: int = 6


@dataclass(slots=True)
class Comparison:
    """Ratios to the reference, the control among them, and why it stopped."""

    reference: str
    groups: list[Group] = field(default_factory=list)
    ratios: dict[str, Interval] = field(default_factory=dict)
    stopped_by: str = "time"
    seconds: float = 0.0

    @property
    def control(self) -> Interval:
        """The reference against itself."""
        return self.ratios[CONTROL]

    @property
    def control_holds(self) -> bool:
        """Whether the interval of reference against itself contains 1."""
        return not self.control.excludes(1.0)


def compare(
    members: Sequence[Member],
    budget: Budget,
    *,
    seed: int,
    on_group: Callable[[Comparison], None] | None = None,
) -> Comparison:
    """CPU time of ``members[1:]`` relative to ``members[0]``.

    Each member names its case in the block ``BLOCK``. The control is added here.
    Raises ChildError when a member fails.
    """
    reference = members[0]
    everyone = (*members, replace(reference, name=CONTROL))
    names = [member.name for member in everyone[1:]]
    result = Comparison(reference.name)
    began = time.monotonic()
    with (
        affinity.driving(),
        closing(groups(everyone, Pace(budget.rounds), seed=seed)) as stream,
    ):
        for group in stream:
            result.groups.append(group)
            result.seconds = time.monotonic() - began
            result.ratios = {
                name: _ratio(result.groups, name, reference.name) for name in names
            }
            if on_group is not None:
                on_group(result)
            if _stop(result, budget):
                break
    return result


def _ratio(measured: Sequence[Group], name: str, reference: str) -> Interval:
    return ratio_interval(
        [
            log_ratio(group.cpu(name, BLOCK), group.cpu(reference, BLOCK))
            for group in measured
        ],
        CONFIDENCE,
    )


def _stop(result: Comparison, budget: Budget) -> bool:
    done = len(result.groups)
    if done < budget.min_groups:
        return False
    widest = max(interval.width for interval in result.ratios.values())
    if math.isfinite(widest) and widest <= budget.target_width:
        result.stopped_by = "precision"
        return True
    return late(result.seconds, done, budget.seconds)
