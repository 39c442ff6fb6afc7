"""What flips a verdict: the factor, the bank, and where sizes were measured, the size.

A law is a straight line through the sizes that a run has, fitted for each group of
processes, as in `bench.verdict.switch`; where it says that a verdict flips beyond the
largest size measured, that is an extrapolation and is called one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.measure.statistics import Interval, mean_interval, typical
from bench.platform.tables import strict
from bench.verdict import bank, switch
from bench.verdict._matrix_costs import LOCKED, RUNTIME, Costs
from bench.verdict._matrix_draws import FACTORS, Share, share
from bench.verdict.bank import Array
from bench.verdict.evidence import first_ident

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
FACTOR, BANK, PAYLOAD, K, DIMS = "factor", "bank", "payload", "k", "dims"

_OFFLOAD, _IN_PATH = "offload", "in_path"
# The path's own query, from which k and dimensions grow.
TOP_K, DIMENSIONS = 8, 1536
_CEILINGS = {K: "vectorize.top_k.values", DIMS: "vectorize.dimensions"}
_US = 1000.0
_SIZE = re.compile(r"([\d,]+) (?P<unit>\w+)$")


class Law(NamedTuple):
    """Cost in us as a line over a size in ``unit``, and the rows that it rests on."""

    line: switch.Line
    unit: str
    evidence: tuple[str, ...]

    @property
    def share(self) -> float:
        """Part of the cost at the largest size that grows with the size."""
        grows = mean_interval(self.line.per_byte).value * self.line.largest
        whole = grows + mean_interval(self.line.fixed).value
        return grows / whole if whole > 0 else 0.0


def by_payload(found: Sequence[Costs]) -> Law | None:
    """Cost of a usual request by the bytes of its bodies, over the fixtures of a route,
    or where these are alike by the number that their names begin with (``10,000
    tokens``). None with fewer than three sizes."""
    sized = {round(each.payload): each for each in found if each.payload}
    unit = "bytes"
    if len(sized) < 3:
        named = [(each, _SIZE.match(each.fixture)) for each in found]
        units = {size["unit"] for _, size in named if size}
        if len(units) != 1:
            return None
        [unit] = units
        sized = {int(size[1].replace(",", "")): each for each, size in named if size}
    if len(sized) < 3:
        return None
    shared = set.intersection(*(set(each.usual) for each in sized.values()))
    costs = {
        size: [float(each.usual[p].mean()) * _US for p in sorted(shared)]
        for size, each in sized.items()
    }
    evidence = [name for each in sized.values() for name in each.evidence]
    return _law(costs, unit, evidence)


def by_values(samples: pd.DataFrame) -> Law | None:
    """Cost under the lock of a warm request by the values that it re-ranks in its path,
    matches times dimensions; None with fewer than three sizes."""
    rows = samples[
        (samples["invocation"] == _OFFLOAD)
        & (samples["stage"] == _IN_PATH)
        & (samples["runtime"] == RUNTIME)
        & (samples["phase"] == "warm")
        & (samples["metric"] == LOCKED)
    ]
    jobs: dict[int, dict[int, float]] = {}
    names = []
    for fixture, part in rows.groupby("fixture", sort=True):
        k, _, dims = str(fixture).partition("x")
        if not (k.isdecimal() and dims.isdecimal()):
            continue
        jobs[int(k) * int(dims)] = {
            int(str(process)): typical(group["value"].tolist())
            for process, group in part.groupby("process", sort=True)
        }
        names.append(first_ident(part))
    if not jobs:
        return None
    shared = sorted(set.intersection(*(set(job) for job in jobs.values())))
    costs = {size: [job[process] for process in shared] for size, job in jobs.items()}
    return _law(costs, "values", names)


def _law(
    costs: Mapping[int, Sequence[float]], unit: str, evidence: Sequence[str]
) -> Law | None:
    # Relative errors need costs above zero.
    if not all(spent and min(spent) > 0 for spent in costs.values()):
        return None
    line = switch.fit(costs)
    return None if line is None else Law(line, unit, tuple(evidence))


def flips(
    costs: Costs, edge: float, payload: Law | None, values: Law | None
) -> dict[str, Interval]:
    """Where the verdict flips, by what grows: payload, matches k, dimensions. ``edge``
    is how many times dearer a request must get, with nothing else changed, to flip it:
    at the factor 1, or at the fitted one where there is one.

    A size that never flips it, because a byte more costs nothing, is absent.
    """
    if not math.isfinite(edge):
        return {}
    mean = costs.mean().value
    allowed = mean * edge * _US
    found = {}
    if payload is not None:
        found[PAYLOAD] = _reached(payload.line, allowed, 0.0, 1.0)
    if values is not None:
        more = allowed - mean * _US
        found[K] = _reached(values.line, more, TOP_K, DIMENSIONS)
        found[DIMS] = _reached(values.line, more, DIMENSIONS, TOP_K)
    return {name: size for name, size in found.items() if size is not None}


def _reached(
    line: switch.Line, allowed_us: float, start: float, each: float
) -> Interval | None:
    """The size at which a cost reaches ``allowed_us``: all of it from ``start`` = 0,
    what is added to the measured one from another. ``each`` is values for one more."""
    slope = mean_interval(line.per_byte)
    if not slope.low > 0:
        return None
    fixed = 0.0 if start else mean_interval(line.fixed).value

    def at(per_value: float) -> float:
        return max(start + (allowed_us - fixed) / (per_value * each), 0.0)

    ends = sorted((at(slope.low), at(slope.high)))
    return Interval(at(slope.value), ends[0], ends[1], slope.n)


def rows(
    place: Row,
    lasting: Array,
    stricter: Array,
    whole: Share,
    edge: float,
    sizes: Mapping[str, Interval],
    laws: Mapping[str, Law | None],
    factors: Sequence[float] = FACTORS,
) -> list[Row]:
    """The table of one workload and profile: a row for each factor and each bank that
    was drawn, unless all draws agree; for each of the ``stricter`` banks that says
    something else; and for each size that flips the verdict.

    ``place`` are the columns that all of them share.
    """
    settings = _settings(lasting, factors) if whole.confidence < 1 else ()
    found = [place | row for row in settings]
    for guess, ends in zip(bank.STRICTER, stricter, strict=True):
        other = share(ends)
        if other.verdict != whole.verdict:
            found.append(place | _setting(BANK, _bank(guess), other))
    found += [place | _flip(FACTOR, "", Interval(edge, edge, edge, 0), None)]
    for name, size in sizes.items():
        law = laws.get(PAYLOAD if name == PAYLOAD else K)
        found.append(place | _flip(name, _unit(name, law), size, law))
    return found


def _unit(name: str, law: Law | None) -> str:
    of_law = law.unit if law else ""
    return {K: "matches", DIMS: "dimensions"}.get(name, of_law)


def _settings(lasting: Array, factors: Sequence[float]) -> Iterator[Row]:
    for place, factor in enumerate(factors):
        yield _setting(FACTOR, f"{factor:.3g}", share(lasting[:, place]))
    for place, guess in enumerate(bank.GUESSES):
        yield _setting(BANK, _bank(guess), share(lasting[place]))


def _bank(guess: tuple[float, float]) -> str:
    cap, credit = guess
    text = f"credit {credit:g} ms, cap {cap:g} ms" if cap else "none, a threshold"
    return text if guess in bank.GUESSES else f"{text} (not counted)"


def _setting(parameter: str, setting: str, found: Share) -> Row:
    return {
        "parameter": parameter,
        "setting": setting,
        "verdict": found.said,
        "requests": found.requests,
        "confidence": found.confidence,
        "flips_at": None,
        "low": None,
        "high": None,
        "unit": "",
        "extrapolated": False,
        "before": None,
        "evidence": [],
    }


def _flip(parameter: str, unit: str, at: Interval, law: Law | None) -> Row:
    beyond = law is not None and _values(parameter, at.value) > law.line.largest
    return {
        "parameter": parameter,
        "setting": "flips at",
        "verdict": None,
        "requests": None,
        "confidence": None,
        "flips_at": at.value,
        "low": at.low if at.n else None,
        "high": at.high if at.n else None,
        "unit": unit,
        "extrapolated": bool(beyond),
        "before": before(parameter, at.value),
        "evidence": [] if law is None else list(law.evidence),
    }


def before(parameter: str, size: float) -> str | None:
    """The id of the limit of the platform that a growing size meets before it flips the
    verdict, None where the CPU comes first."""
    ident = _CEILINGS.get(parameter)
    return ident if ident and size > strict(ident).value else None


def _values(parameter: str, size: float) -> float:
    """``size`` in what its law is over: bytes, or values of all matches."""
    return size * {K: DIMENSIONS, DIMS: TOP_K}.get(parameter, 1)
