"""When a measured number reproduces a claimed one, and what it would take.

A local millisecond may be 0.5 to 2 of Cloudflare's (`verdict.answer`), or what a log of
production has told (`transfer`), so a claimed CPU time is reproduced where it lies
within [low * 0.5, high * 2] of what was measured. That favours the author: a claim is
refused only where no machine in that range would show it. The same holds for a share of
a limit. Numbers without time in them, such as bytes,
ratios and counts, have no such factor. What is computed from fixtures agrees within
10 %, because the article rounds; what is documented agrees exactly.

A bound is reproduced where the range reaches what it allows.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from bench.figures._common import milliseconds
from bench.verdict.answer import TRANSFER_HIGH, TRANSFER_LOW

REPRODUCED, NOT_REPRODUCED = "reproduced", "not reproduced"
OUTDATED, ELSEWHERE = "outdated", "not measurable here"
# No verdict on the claim: the run holds nothing that could tell.
MISSING = "not in this run"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, OUTDATED, ELSEWHERE, MISSING)

ASSUMED = (TRANSFER_LOW, TRANSFER_HIGH)
"""The least and the largest transfer factor where a run keeps none."""

_ABOUT = (0.9, 1.1)
_NONE = (1.0, 1.0)
_TIMES = frozenset({"ms", "%"})


class Found(NamedTuple):
    """A number with its 95 % interval; without one, None at both ends."""

    value: float
    low: float | None = None
    high: float | None = None

    def times(self, factor: float) -> Found:
        """The same in another unit."""
        low, high = (None if end is None else end * factor for end in self[1:])
        return Found(self.value * factor, low, high)

    @property
    def ends(self) -> tuple[float, float]:
        """The interval; the value twice where there is none."""
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        return low, high


def measured(unit: str, transfer: tuple[float, float] = ASSUMED) -> tuple[float, float]:
    """The factors of a measured number with that unit, given those of a time."""
    return transfer if unit in _TIMES else _NONE


def computed() -> tuple[float, float]:
    """The factors of a number that is computed from fixtures."""
    return _ABOUT


def reach(found: Found, factors: tuple[float, float]) -> tuple[float, float]:
    """The least and the most that ``found`` may be, for any of the factors."""
    products = [end * factor for end in found.ends for factor in factors]
    return min(products), max(products)


def agrees(
    found: Found, ends: tuple[float, float], bound: str, factors: tuple[float, float]
) -> bool:
    """Whether ``found`` reproduces a number, a range, or a bound."""
    least, most = reach(found, factors)
    if bound == "under":
        return least <= ends[1]
    if bound == "over":
        return most > ends[0]
    return least <= ends[1] and most >= ends[0]


def condition(
    found: Found, ends: tuple[float, float], bound: str, factors: tuple[float, float]
) -> str:
    """For which machine a time agrees, as a sentence; nothing where that is no
    question: for other numbers, and for bounds that hold over the whole range."""
    if factors == _NONE:
        return ""
    low, high = found.ends
    if high <= 0:
        return ""
    # A factor f agrees where [low * f, high * f] meets what the article allows.
    least = 0.0 if bound == "under" else ends[0] / high
    most = math.inf if bound == "over" or low <= 0 else ends[1] / low
    if least <= factors[0] and most >= factors[1]:
        either = " or ".join(f"{factor:.3g}" for factor in factors)
        always = f"It holds whether a millisecond of this machine is {either}"
        return f"{always} of Cloudflare's." if bound else ""
    if most < least or most <= 0:
        return ""
    verb = "holds" if agrees(found, ends, bound, factors) else "would hold"
    return f"It {verb} where a millisecond of this machine is {_factors(least, most)}."


def _factors(least: float, most: float) -> str:
    if least <= 0:
        return f"at most {milliseconds(most)} of Cloudflare's"
    if math.isinf(most):
        return f"at least {milliseconds(least)} of Cloudflare's"
    ends = " to ".join(dict.fromkeys((milliseconds(least), milliseconds(most))))
    return f"{ends} of Cloudflare's"
