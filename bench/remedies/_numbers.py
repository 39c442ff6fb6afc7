"""From raw rows to intervals: a value of each group of processes, then over groups."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.measure.statistics import (
    CONFIDENCE,
    Interval,
    mean_interval,
    ratio_interval,
    typical,
)
from bench.remedies import Row

if TYPE_CHECKING:
    from pandas import DataFrame

# Remedies whose document carries a control: together they fail by chance as seldom as
# one at 95 % would (Bonferroni).
CONTROLS = 2
# A typical request where single ones are disturbed; of counts every one is meant.
_TIMED = frozenset({"ms", "us"})
_KEYS = ["variant", "fixture", "metric", "unit"]


def groups(samples: DataFrame, variant: str, fixture: str, metric: str) -> list[float]:
    """One value of each group, in their order. Raises BenchError without any."""
    found = samples[
        (samples["variant"] == variant)
        & (samples["fixture"] == fixture)
        & (samples["metric"] == metric)
    ]
    if found.empty:
        raise BenchError(f"there is no {metric} of {variant}, {fixture}")
    return [
        _central(values["unit"].iloc[0])(values["value"].tolist())
        for _, values in found.groupby("process", sort=True)
    ]


def estimate(samples: DataFrame, variant: str, fixture: str, metric: str) -> Interval:
    """The mean over groups with its interval, that of a share within 0 to 1.

    Raises BenchError.
    """
    found = mean_interval(groups(samples, variant, fixture, metric))
    of = (samples["variant"] == variant) & (samples["metric"] == metric)
    if not (samples[of]["unit"] == "share").all():
        return found
    return Interval(found.value, max(0.0, found.low), min(1.0, found.high), found.n)


def ratio(
    samples: DataFrame,
    one: tuple[str, str],
    other: tuple[str, str],
    metric: str,
    confidence: float = CONFIDENCE,
) -> Interval:
    """(variant, fixture) ``one`` relative to ``other``, group by group."""
    pairs = zip(
        groups(samples, *one, metric), groups(samples, *other, metric), strict=True
    )
    return ratio_interval([math.log(a / b) for a, b in pairs], confidence)


def control(
    samples: DataFrame, one: tuple[str, str], same: tuple[str, str], metric: str
) -> Row:
    """The ratio of two that are the same in all but name."""
    confidence = 1 - (1 - CONFIDENCE) / CONTROLS
    found = ends(ratio(samples, one, same, metric, confidence))
    return {"ratio": found.pop("value"), **found}


def rows(samples: DataFrame) -> Iterator[Row]:
    """One row for each variant, fixture and metric, in the order of the samples."""
    for variant, fixture, metric, unit in samples[_KEYS].drop_duplicates().values:
        found = estimate(samples, variant, fixture, metric)
        place = {"variant": variant, "fixture": fixture, "metric": metric}
        yield place | ends(found) | {"unit": unit}


def number(name: str, found: Interval, unit: str) -> Row:
    """A row of a conclusion."""
    return {"name": name, **ends(found), "unit": unit}


def ends(found: Interval) -> Row:
    """An interval as the columns of a document."""
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
    }


def fixtures(samples: DataFrame, variant: str) -> list[str]:
    """Circumstances in which ``variant`` was measured, in their order."""
    found = samples[samples["variant"] == variant]["fixture"]
    return list(dict.fromkeys(found))


def _central(unit: str) -> Callable[[Sequence[float]], float]:
    return typical if unit in _TIMED else fmean
