"""Two sets of process groups that did not take turns: their ratio with its interval.

Groups of two runs are not pairs, so the interval is Welch's (1947) on the scale of
logarithms, with the degrees of freedom of Satterthwaite (1946). That carries what
differs between groups of one run, and not what changed between the two moments: on a
shared machine identical code measured first and then again differs too often by far.

The sentinel, a fixed workload in every group, shows what the machine did. How much of
it a cell takes over is not known, so both ends are computed: none of it (the costs as
they are) and all of it (each cost over its group's sentinel). The interval reaches from
the lower to the upper end of the two, and a difference counts only where both have it.
Without a sentinel the interval is widened by ``unseen``, on either side.

What a sentinel of arithmetic does not feel is a core that is shared: requests that wait
for their core, and find its caches cold, cost more CPU. Where they waited longer in one
run than in the other, the interval is widened by ``waiting`` of the difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from bench.measure.statistics import CONFIDENCE, Interval
from bench.verdict._cells import Cell

# What a machine may change by itself between two runs, where no sentinel tells: about
# two of the standard deviations, 7.8 %, of the ratio of identical code that was
# measured first and then again, in CPU time, on a virtual machine with two cores.
UNSEEN = 0.15
# What a request may cost more, as a logarithm, where it waits for its core as long as
# it runs: stages of the path took up to 0.25, on that machine beside busy processes.
WAITING = 0.3
# Below this, groups differ by rounding alone.
_EXACT = 1e-12


@dataclass(frozen=True, slots=True)
class Ratio:
    """B over A: the ratio with its interval, how likely it is by chance, the same ratio
    of the sentinel, and by which factor waiting widened it on either side; ``n`` of an
    interval is the smaller number of groups."""

    interval: Interval
    p: float
    sentinel: Interval | None
    waiting: float


def between(
    a: Cell,
    b: Cell,
    confidence: float = CONFIDENCE,
    unseen: float = UNSEEN,
    waiting: float = WAITING,
) -> Ratio | None:
    """The ratio of two cells of different runs; None where a group of either has no
    cost above zero, as a small difference of two requests may."""
    if min((*a.values, *b.values)) <= 0:
        return None
    log_a, log_b = ([math.log(value) for value in cell.values] for cell in (a, b))
    slack = waiting * abs((a.waited or 0.0) - (b.waited or 0.0))
    beside_a, beside_b = a.sentinels, b.sentinels
    if beside_a is None or beside_b is None:
        wide, p = welch(log_a, log_b, confidence, slack + math.log1p(unseen))
        return Ratio(_ratio(wide), p, None, math.exp(slack))
    fixed_a, fixed_b = (list(map(math.log, each)) for each in (beside_a, beside_b))
    none, p_none = welch(log_a, log_b, confidence, slack)
    rest = _less(log_a, fixed_a), _less(log_b, fixed_b)
    whole, p_whole = welch(rest[0], rest[1], confidence, slack)
    hull = Interval(
        none.value, min(none.low, whole.low), max(none.high, whole.high), none.n
    )
    # Two opinions that point in opposite directions are none.
    agree = none.value * whole.value > 0
    sentinel, _ = welch(fixed_a, fixed_b, confidence)
    p = max(p_none, p_whole) if agree else 1.0
    return Ratio(_ratio(hull), p, _ratio(sentinel), math.exp(slack))


def welch(
    a: Sequence[float], b: Sequence[float], confidence: float, slack: float = 0.0
) -> tuple[Interval, float]:
    """Mean of ``b`` less that of ``a`` with its interval, and the two-sided p of a true
    difference within ``slack``, by which the interval is wider too.

    With fewer than two values on a side the interval is unbounded and p is 1.
    """
    from scipy.stats import t

    found, n = fmean(b) - fmean(a), min(len(a), len(b))
    if n < 2:
        return Interval(found, -math.inf, math.inf, n), 1.0
    parts = [variance(values) / len(values) for values in (a, b)]
    error = math.sqrt(sum(parts))
    beyond = max(abs(found) - slack, 0.0)
    if error < _EXACT:
        p = 1.0 if beyond < _EXACT else 0.0
        return Interval(found, found - slack, found + slack, n), p
    degrees = sum(parts) ** 2 / sum(
        part**2 / (len(values) - 1) for part, values in zip(parts, (a, b), strict=True)
    )
    half = float(t.ppf(0.5 + confidence / 2, degrees)) * error + slack
    p = min(1.0, 2 * float(t.sf(beyond / error, degrees)))
    return Interval(found, found - half, found + half, n), p


def holm(ps: Sequence[float]) -> list[float]:
    """Each p corrected for all of them, by the step-down method of Holm (1979).

    The chance of one false difference among all cells stays below the level, whatever
    the cells have in common: those of one run share processes and moments. (The false
    discovery rate of Benjamini and Hochberg would let one in twenty alarms be false.)
    """
    order = sorted(range(len(ps)), key=ps.__getitem__)
    found, most = [1.0] * len(ps), 0.0
    for rank, place in enumerate(order):
        most = max(most, min(1.0, (len(ps) - rank) * ps[place]))
        found[place] = most
    return found


def _less(values: Sequence[float], others: Sequence[float]) -> list[float]:
    return [value - other for value, other in zip(values, others, strict=True)]


def _ratio(logs: Interval) -> Interval:
    return Interval(math.exp(logs.value), _exp(logs.low), _exp(logs.high), logs.n)


def _exp(value: float) -> float:
    return math.exp(value) if value < math.inf else math.inf
