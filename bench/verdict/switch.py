"""What a byte costs, and from which size a switch of parsers is worth anything.

Cost by size is a fixed part and a part per byte, fitted to the sizes of one group of
processes with relative errors (weights 1 / cost), because a line through absolute
errors would be drawn by the largest body alone. Intervals are over groups.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bench.measure.statistics import Interval, mean_interval

LARGEST = 100_000_000
"""Bytes of the largest request body that Workers accepts on the free and pro plans
(Cloudflare docs, Workers limits, read 2026-11); a switch that pays off above it never
does."""


class Line(NamedTuple):
    """Cost of a body: ``fixed`` us and ``per_byte`` us, one of each for every group."""

    fixed: list[float]
    per_byte: list[float]
    smallest: int
    largest: int

    @property
    def ns_per_byte(self) -> Interval:
        """Ns of CPU that one byte more costs."""
        return mean_interval([1000 * each for each in self.per_byte])

    @property
    def fixed_us(self) -> Interval:
        """Us of CPU that an empty body would cost."""
        return mean_interval(self.fixed)


class Switch(NamedTuple):
    """Size in bytes from which a switch saves what is asked, and what to make of it."""

    size: Interval | None
    verdict: str


def fit(costs: Mapping[int, Sequence[float]]) -> Line | None:
    """The line through ``costs``: us of each group, by size in bytes.

    None with fewer than three sizes, which would fit any line.
    """
    if len(costs) < 3:
        return None
    sizes = sorted(costs)
    lines = [
        np.polyfit(sizes, spent, 1, w=1 / np.asarray(spent))
        for spent in zip(*(costs[size] for size in sizes), strict=True)
    ]
    return Line(
        [float(line[1]) for line in lines],
        [float(line[0]) for line in lines],
        sizes[0],
        sizes[-1],
    )


def switch(old: Line, new: Line, saves_us: float) -> Switch:
    """From which size ``new`` saves ``saves_us`` of CPU a body against ``old``."""
    slopes = [a - b for a, b in zip(old.per_byte, new.per_byte, strict=True)]
    gain = mean_interval(slopes)
    if gain.high <= 0:
        return Switch(None, "never: it costs more a byte")
    if not gain.low > 0:
        return Switch(None, "no difference that this run can tell")
    fixed = mean_interval([b - a for a, b in zip(old.fixed, new.fixed, strict=True)])
    # The fixed parts differ by microseconds and the slopes by much more of themselves,
    # so the slope's interval carries the size's.
    needed = saves_us + fixed.value
    size = Interval(
        max(needed / gain.value, 1.0),
        max(needed / gain.high, 1.0),
        max(needed / gain.low, 1.0),
        gain.n,
    )
    if size.value > LARGEST:
        return Switch(size, f"never: a request body has at most {LARGEST:,} bytes")
    note = "" if size.value <= old.largest else ", beyond what was measured"
    return Switch(size, f"from {spoken_size(size.value)}{note}")


def spoken_size(size: float) -> str:
    """``size`` bytes with two significant digits: 18 KB, 3.4 MB."""
    for limit, unit in ((1e6, "MB"), (1e3, "KB")):
        if size >= limit:
            value = size / limit
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{math.ceil(size)} B"
