"""The transfer factor and its 95 % interval.

The estimate is the factor of greatest likelihood, with the share of cold requests and
the spread that suit it best. Its interval has these parts; that of the run is
independent of the others, and added to them as squares of logarithms:

    the log     factors whose profile likelihood is within t^2-based reach of the
                greatest: n/2 * log(1 + t^2 / (n - 1)), exact for the mean of a normal
                law with unknown deviation, and 1.92 for many rows (Wilks 1938)
    kills       a killed request took more than its limit and what was left in the bank
                of its isolate, which no log tells: from nothing to what the dearest
                whole request shows. Both are fitted; the interval reaches from the low
                end of the one to the high end of the other, the estimate lies between
    cold        where few requests are whole (``SHORT``), many are killed
                (``MANY_KILLED``) or many are below a millisecond (``MANY_ZEROS``), cold
                ones can explain the rest whatever the factor; then the interval also
                holds that of a fit without them
    this run    the jackknife over groups of processes (Tukey 1958), because requests
                of one process are not independent; Student's t with its groups

For a profile, which knows only a mean, the first part is what counting samples and a
finite number of requests leave unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bench.errors import InconclusiveError
from bench.measure.statistics import t_quantile
from bench.transfer import LEAST, MOST, likelihood
from bench.transfer.likelihood import NARROWEST, WIDEST, Masses, Spans
from bench.transfer.local import Local
from bench.transfer.sources._reading import NO_CPU, Profile, Reading
from bench.verdict.bank import Array

FEWEST = 3
"""Whole requests without which there is no factor at all."""
SHORT = 30
"""Whole requests below which cold ones cannot be told from others."""
MANY_KILLED = 0.05
"""Share of killed requests above which they cannot be told either."""
MANY_ZEROS = 0.3
"""Share of requests below a millisecond above which they cannot be told either."""

_COARSE = np.arange(math.log(LEAST), math.log(MOST) + 0.01, 0.02)
_SPREADS = 12
_POINTS, _ENOUGH, _ROUNDS = 121, 40, 4
_AROUND = np.linspace(-1.2, 1.2, 241)
_FLAT = 1e-3
_NORMAL = 1.959963984540054
_MORE = (
    "log more fetch requests of one Worker, for example with "
    "`wrangler tail --format json`"
)
_OLD = (
    "events have a CPU time since April 2025: update a Logpush job that is older, "
    "or use `wrangler tail --format json`"
)
# How much less likely, as a logarithm, still fits as well.
_AS_WELL = 1.92


class Fit(NamedTuple):
    """A factor with its interval; spread and share of cold requests that suit it.

    ``all_cold`` is the factor that would suit as well if every request was the first of
    its isolate, None where none would.
    """

    factor: float
    low: float
    high: float
    spread: float | None = None
    cold_share: float | None = None
    all_cold: float | None = None


class _Peak(NamedTuple):
    centre: float
    low: float
    high: float
    spread: float
    share: float
    height: float


def fit(found: Reading, here: Local) -> Fit:
    """The factor between ``here`` and production.

    Raises InconclusiveError where fewer than ``FEWEST`` requests are whole.
    """
    whole = found.n - found.censored
    if whole < FEWEST:
        killed = f", and {found.censored:,} were killed" if found.censored else ""
        raise InconclusiveError(
            f"{found.source}: {whole:,} whole requests count{killed}; a factor needs "
            f"at least {FEWEST}. {_left_out(found)}\n"
            f"  remedy: {_OLD if NO_CPU in found.left_out else _MORE}"
        )
    if found.profile is not None:
        return _of_mean(found.profile, found.n, here)
    seen = likelihood.spans(found.spans)
    local = likelihood.masses(here.warm, here.cold)
    reach = whole / 2 * math.log1p(t_quantile(whole - 1) ** 2 / (whole - 1))
    tables = [seen, *_from_full_banks(found)]
    sides = [local]
    if here.cold and _hides_cold(found):
        sides.append(likelihood.masses(here.warm, {}))
    peak = _hull([_peak(one, _curves(of), reach) for of in sides for one in tables])
    unsure = _of_groups(seen, local, peak, cold=bool(here.cold))
    below = math.hypot(peak.centre - peak.low, unsure)
    above = math.hypot(peak.high - peak.centre, unsure)
    cold = _all_cold(seen, local, peak, reach) if here.cold else None
    return Fit(
        factor=math.exp(peak.centre),
        low=max(math.exp(peak.centre - below), LEAST),
        high=min(math.exp(peak.centre + above), MOST),
        spread=peak.spread,
        cold_share=peak.share if here.cold else None,
        all_cold=cold,
    )


def _from_full_banks(found: Reading) -> list[Spans]:
    """The spans where a killed request took as much as the dearest whole one, nothing
    where that is no more than the limit."""
    table = found.spans.copy()
    killed = np.isinf(table[:, 1])
    dearest = table[~killed, 0].max()
    more = killed & (table[:, 0] < dearest)
    if not (found.censored and more.any()):
        return []
    table[more, 0] = dearest
    return [likelihood.spans(table)]


def _hides_cold(found: Reading) -> bool:
    """Whether a log tells too little to know cold requests by their cost."""
    low, high, many = found.spans.T
    zeros = float(many[(low == 0) & (high == 1)].sum()) / float(many.sum())
    killed = found.censored / found.n
    few = found.n - found.censored < SHORT
    return few or killed > MANY_KILLED or zeros > MANY_ZEROS


def _hull(peaks: list[_Peak]) -> _Peak:
    """All that any of them holds, around the middle of their estimates."""
    centres = [peak.centre for peak in peaks]
    return peaks[0]._replace(
        centre=(min(centres) + max(centres)) / 2,
        low=min(peak.low for peak in peaks),
        high=max(peak.high for peak in peaks),
    )


def _left_out(found: Reading) -> str:
    many = [f"{n:,} {why}" for why, n in found.left_out.items()]
    return f"Left out: {', '.join(many)}." if many else "Nothing was left out."


_Curves = Callable[[Array], likelihood.Curves]


def _curves(local: Masses) -> _Curves:
    """The local distributions as a function of spreads; processes weigh the same."""
    warm, cold = local.warm.mean(axis=0), local.cold.mean(axis=0)
    return lambda spreads: likelihood.curves(local, warm, cold, spreads)


def _peak(seen: Spans, of: _Curves, reach: float) -> _Peak:
    """The greatest likelihood, looked at ever more closely."""
    factors, spreads = _COARSE, np.geomspace(NARROWEST, WIDEST, _SPREADS)
    for _ in range(_ROUNDS):
        values, shares = likelihood.surface(seen, of(spreads), factors)
        best = values.argmax(axis=0)
        profile = values.max(axis=0)
        inside = np.flatnonzero(profile >= profile.max() - reach)
        first, last = inside[0], inside[-1]
        low, high = (
            _crossing(factors, profile, profile.max() - reach, first, first - 1),
            _crossing(factors, profile, profile.max() - reach, last, last + 1),
        )
        top = int(profile.argmax())
        peak = _Peak(
            centre=_centre(factors, profile),
            low=low,
            high=high,
            spread=float(spreads[best[top]]),
            share=float(shares[best[top], top]),
            height=float(profile[top]),
        )
        if factors is not _COARSE and len(inside) >= _ENOUGH:
            break
        ends = max(first - 1, 0), min(last + 1, len(factors) - 1)
        step = spreads[1] / spreads[0]
        narrow, wide = spreads[best[inside].min()], spreads[best[inside].max()]
        factors = np.linspace(factors[ends[0]], factors[ends[1]], _POINTS)
        spreads = np.geomspace(
            max(narrow / step, NARROWEST), min(wide * step, WIDEST), _SPREADS
        )
    return peak


def _crossing(
    places: Array, profile: Array, level: float, inside: int, outside: int
) -> float:
    """Where the profile passes ``level`` between two neighbours."""
    if not 0 <= outside < len(places):
        return float(places[inside])
    drop = profile[inside] - profile[outside]
    part = float((profile[inside] - level) / drop) if drop > 0 else 0.0
    return float(places[inside] + part * (places[outside] - places[inside]))


def _centre(places: Array, profile: Array) -> float:
    """The place of the maximum: of the parabola through it and its neighbours, or the
    middle of a flat top."""
    top = int(profile.argmax())
    level = np.flatnonzero(profile >= profile[top] - _FLAT)
    if len(level) > 2 or not 0 < top < len(places) - 1:
        return float((places[level[0]] + places[level[-1]]) / 2)
    before, here, after = profile[top - 1 : top + 2]
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(places[top] + shift * (places[1] - places[0]))


def _of_groups(seen: Spans, local: Masses, peak: _Peak, *, cold: bool) -> float:
    """Half the 95 % interval of the logarithm that comes from this run's processes."""
    spreads, factors = np.array([peak.spread]), peak.centre + _AROUND

    def centre(warm: Array, first: Array) -> float:
        of = likelihood.curves(local, warm, first, spreads)
        values, _ = likelihood.surface(seen, of, factors)
        return _centre(factors, values[0])

    warm, first = local.warm.mean(axis=0), local.cold.mean(axis=0)
    if not cold:
        return _jackknife(lambda left: centre(left, left), local.warm)
    return math.hypot(
        _jackknife(lambda left: centre(left, first), local.warm),
        _jackknife(lambda left: centre(warm, left), local.cold),
    )


def _jackknife(estimate: Callable[[Array], float], groups: Array) -> float:
    """Half a 95 % interval from ``estimate`` without each group of (groups, places)."""
    many, whole = len(groups), groups.sum(axis=0)
    left = np.array([estimate((whole - each) / (many - 1)) for each in groups])
    deviation = math.sqrt((many - 1) / many * float(((left - left.mean()) ** 2).sum()))
    return t_quantile(many - 1) * deviation


def _all_cold(seen: Spans, local: Masses, peak: _Peak, reach: float) -> float | None:
    cold = local.cold.mean(axis=0)
    other = _peak(
        seen,
        lambda spreads: likelihood.curves(local, cold, cold, spreads),
        reach,
    )
    apart = not peak.low <= other.centre <= peak.high
    return (
        math.exp(other.centre)
        if apart and other.height > peak.height - _AS_WELL
        else None
    )


def _of_mean(profile: Profile, requests: int, here: Local) -> Fit:
    """The factor of a profile: its mean over the mean of warm requests."""
    means = np.array([group.mean() for group in here.warm.values()])
    mean = float(means.mean())
    costs = np.concatenate(list(here.warm.values()))
    factor = profile.total_ms / requests / mean
    if not LEAST <= factor <= MOST:
        raise InconclusiveError(
            f"a factor of {factor:.3g} is not believed (only {LEAST:g} to {MOST:g})\n"
            "  remedy: check --requests, and that the profile is of this workload"
        )
    relative = float(costs.std()) / mean
    counted = _NORMAL * math.sqrt(1 / profile.samples + relative**2 / requests)
    groups = len(means)
    of_run = (
        t_quantile(groups - 1) * float(means.std(ddof=1)) / math.sqrt(groups) / mean
    )
    half = math.hypot(counted, of_run)
    low, high = factor * math.exp(-half), factor * math.exp(half)
    return Fit(factor, max(low, LEAST), min(high, MOST))
