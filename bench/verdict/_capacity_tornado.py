"""What drives the answers: each guess at its two ends, all others as they are.

Four answers are watched: the share of requests ended on the strictest profile, the
share of cold ones, how long the slowest hundredth takes, and the bill of a month. A
guess whose two ends give the same answer does not drive it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from bench.simulation import Histogram
from bench.verdict import _capacity_cost
from bench.verdict._capacity_assumed import RANGES
from bench.verdict._capacity_cost import MONTH_S
from bench.verdict._capacity_runs import (
    MIDDLE,
    MILDEST,
    STRICTEST,
    Case,
    Seen,
    expected,
    outside_ms,
)
from bench.verdict.bank import GUESSES

ANSWERS = {
    "killed_share": "share",
    "cold_share": "share",
    "latency_p99": "ms",
    "cost": "usd a month",
}
"""The answers and their units."""
SPREAD = (0.5, 2.0)
"""What costs of first requests, and waits, are multiplied by."""
Row = dict[str, Any]


class _Ends(NamedTuple):
    what: str
    low: float | str
    high: float | str
    runs: tuple[Seen, Seen]
    cases: tuple[Case, Case]
    guesses: tuple[int, int]


def rows(
    case: Case,
    factors: Sequence[float],
    strictest: int,
    base: Seen,
    step: Callable[[str], None],
) -> list[Row]:
    """``sensitivity`` of the document: a row for each guess and answer.

    ``strictest`` is the place of the profile, ``base`` what the case itself gave, and
    ``step`` is told each guess as it begins.
    """
    middle = _answers(case, base, strictest, MIDDLE)
    found = []
    for ends in _ends(case, factors, base, step):
        low, high = (
            _answers(one, seen, strictest, guess)
            for one, seen, guess in zip(
                ends.cases, ends.runs, ends.guesses, strict=True
            )
        )
        found += [
            {
                "what": ends.what,
                "low_value": ends.low,
                "high_value": ends.high,
                "answer": answer,
                "base": middle[answer],
                "answer_low": low[answer],
                "answer_high": high[answer],
                "unit": unit,
                "n": min(seen.requests for seen in ends.runs),
            }
            for answer, unit in ANSWERS.items()
        ]
    return sorted(found, key=_order)


def _order(row: Row) -> tuple[int, float]:
    """Answers in their order, and of each the widest bar first."""
    ends = (row["answer_low"], row["answer_high"])
    wide = 0.0 if None in ends else abs(ends[1] - ends[0])
    return list(ANSWERS).index(row["answer"]), -wide


def _ends(
    case: Case, factors: Sequence[float], base: Seen, step: Callable[[str], None]
) -> Iterator[_Ends]:
    def both(what: str, low: float, high: float, *cases: Case) -> _Ends:
        step(f"what drives it: {what}")
        one, other = cases
        runs = expected(one), expected(other)
        return _Ends(what, low, high, runs, (one, other), (MIDDLE, MIDDLE))

    low, high = min(factors), max(factors)
    yield both(
        "transfer factor", low, high, case.but(factor=low), case.but(factor=high)
    )
    yield _Ends(
        "bank",
        _bank(MILDEST),
        _bank(STRICTEST),
        (base, base),
        (case, case),
        (MILDEST, STRICTEST),
    )
    for name, (low, high) in RANGES.items():
        cases = (case.but(**{name: value}) for value in (low, high))
        yield both(name, low, high, *cases)
    low, high = SPREAD
    yield both("cold CPU", low, high, case.but(cold=low), case.but(cold=high))
    yield both("wait outside", low, high, case.but(wait=low), case.but(wait=high))


def _bank(guess: int) -> str:
    cap, credit = GUESSES[guess]
    return f"{credit:,g} of {cap:,g} ms"


def _answers(
    case: Case, seen: Seen, profile: int, guess: int
) -> dict[str, float | None]:
    return {
        "killed_share": float(seen.killed[profile * len(GUESSES) + guess]),
        "cold_share": seen.cold,
        "latency_p99": slowest(seen, 0.99),
        "cost": dollars(case, seen.cold),
    }


def slowest(seen: Seen, q: float) -> float | None:
    """A quantile in ms of the latency of all parts; None from too few requests."""
    found = merged(seen).quantile(q)
    return None if found is None else found.value


def merged(seen: Seen) -> Histogram:
    """Latency of all parts together."""
    parts = [part.latency for part in seen.parts]
    if len(parts) == 1:
        return parts[0]
    counts = np.sum([part.counts for part in parts], axis=0)
    return Histogram(counts, sum(part.total for part in parts))


def dollars(case: Case, cold: float) -> float:
    """A month of Workers and the services behind, at the expected rate."""
    return _capacity_cost.native(
        case.traffic.rate * MONTH_S, request(case, cold), case.assumed
    )


def request(case: Case, cold: float) -> _capacity_cost.Request:
    """What a bill needs, with ``cold`` of the requests being first ones."""
    work = case.work
    warm, first = float(work.warm_ms.mean()), float(work.cold_ms.mean())
    waits = outside_ms(case.used, case.traffic, case.assumed) * case.wait
    return _capacity_cost.request(
        case.used,
        (1 - cold) * warm + cold * first,
        float(waits.mean()),
        case.assumed,
    )
