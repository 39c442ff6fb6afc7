"""Warm-up is detected, not assumed.

A steady state is the last segment of the series of turn times after the changepoints
have been found; processes that reach none within the limit are reported as such
(Barrett et al., OOPSLA 2017, arXiv 1602.00602, found that fewer than half of the
pairs of virtual machine and benchmark reach one reliably).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

# A changepoint must lower the squared error of the log times by more than this many
# times log(n), the penalty of the Bayesian information criterion with its usual
# weight doubled, because turn times have heavier tails than a normal distribution.
PENALTY = 4.0
STEADY_TURNS = 12
MIN_SEGMENT = 4
# A shift smaller than this is not worth waiting for.
NEGLIGIBLE = 0.02


def steady_from(values: Sequence[float]) -> int:
    """Index at which the last segment of ``values`` begins (0: flat throughout).

    Binary segmentation on outlier-limited log values with mean shifts: the series is
    split where the squared error falls most, as long as the fall exceeds the penalty,
    and the right part is looked at again.
    """
    logs = _clipped([math.log(value) for value in values])
    start = 0
    while (split := _best_split(logs[start:])) is not None:
        start += split
    return start


def is_steady(values: Sequence[float]) -> bool:
    """Whether the last segment holds at least ``STEADY_TURNS`` turns."""
    return len(values) - steady_from(values) >= STEADY_TURNS


def _clipped(logs: list[float]) -> list[float]:
    """Limit single outliers, which are no changepoint, to the 5-95 % range."""
    if len(logs) < 2 * MIN_SEGMENT:
        return logs
    ordered = sorted(logs)
    cut = max(1, len(ordered) // 20)
    low, high = ordered[cut], ordered[-1 - cut]
    return [min(max(value, low), high) for value in logs]


def _best_split(logs: Sequence[float]) -> int | None:
    n = len(logs)
    if n < 2 * MIN_SEGMENT:
        return None
    total, best, where = sum(logs), 0.0, None
    left = sum(logs[: MIN_SEGMENT - 1])
    for split in range(MIN_SEGMENT, n - MIN_SEGMENT + 1):
        left += logs[split - 1]
        gap = left / split - (total - left) / (n - split)
        gain = gap * gap * split * (n - split) / n
        if gain > best and abs(gap) > NEGLIGIBLE:
            best, where = gain, split
    if where is None:
        return None
    parts = (logs[:where], logs[where:])
    residual = sum(sum((x - fmean(part)) ** 2 for x in part) for part in parts)
    variance = max(residual / n, 1e-12)
    return where if best / variance > PENALTY * math.log(n) else None
