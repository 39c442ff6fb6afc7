"""A row of the matrix in words: where to put it, and the article beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from bench.figures._common import milliseconds
from bench.measure.statistics import Interval
from bench.platform import LimitProfile
from bench.verdict._matrix_costs import LOCKED, Costs
from bench.verdict._matrix_draws import Share
from bench.verdict._matrix_limits import Broken
from bench.verdict._matrix_terms import NOT_MEASURED, UNTIL, rounded
from bench.verdict.answer import FITS, TOO_MUCH, percent
from bench.verdict.bank import FEW

NATIVE = "native"
NOWHERE = "none known"
UPGRADE = "paid-default"
_NOTHING = ("", "n/a")
# What the article's first words mean as verdicts.
_YES, _NO, _MARGINAL = "yes", "no", "marginal"
_OURS = {FITS: _YES, UNTIL: _MARGINAL, TOO_MUCH: _NO}


class Route(NamedTuple):
    """Another route of a workload that was measured, and its verdict."""

    name: str
    in_worker: bool
    mean: Interval
    found: Share


def choice(
    verdict: str,
    limit: Broken | None,
    routes: Sequence[Route],
    article: str,
    *,
    upgrade: bool,
) -> str | None:
    """Native, or where to put it instead: the first of these that is there.

    Another route of the Worker that fits, unless a limit forbids all of them; the same
    on the paid plan, where that fits (``upgrade``); an engine that was measured and
    whose gateway fits; what the article names. None where nothing was measured.
    """
    if verdict == NOT_MEASURED:
        return None
    if verdict == FITS:
        return NATIVE
    fitting = [route for route in routes if route.found.verdict == FITS]
    if limit is None:
        own = [route.name for route in fitting if route.in_worker]
        if own:
            return f"{NATIVE}, as {own[0]}"
    if upgrade:
        return f"{NATIVE}, on {UPGRADE}"
    engines = [route.name for route in fitting if not route.in_worker]
    if engines:
        return engines[0]
    return NOWHERE if article in _NOTHING else article


def agrees(verdict: str, article: str) -> str | None:
    """``yes``, ``no`` or ``partly``: whether ours is the article's verdict."""
    if verdict == NOT_MEASURED:
        return None
    ours, theirs = _OURS[verdict], _first_word(article)
    if ours == theirs:
        return "yes"
    return "partly" if _MARGINAL in (ours, theirs) else "no"


def _first_word(article: str) -> str:
    words = article.lower().split()
    return words[0] if words else ""


def why(
    module: Any,
    verdict: str,
    profile: LimitProfile,
    *,
    costs: Costs | None,
    found: Share | None,
    limit: Broken | None,
    routes: Sequence[Route],
) -> str:
    """One sentence: whether ours is the article's verdict, and what it rests on."""
    if costs is None and limit is None:
        return "Nothing can be said: this run has no requests of it."
    head = {
        "yes": "As the article says",
        "partly": "Partly as the article says",
        "no": "Not as the article says",
    }[str(agrees(verdict, str(module.ARTICLE["native"])))]
    parts = [] if limit is None else [f"{limit.why}, whatever its CPU"]
    if costs is not None and found is not None:
        parts += [_cost(costs, profile), _drawn(found)]
        parts += [_gap(costs)] if not (costs.warm and costs.cold) else []
    parts += [_route(route) for route in routes]
    if head.startswith("Not") and module.NOTE:
        parts.append(f"replayed was {module.NOTE}")
    return f"{head}: {'; '.join(parts)}."


def _cost(costs: Costs, profile: LimitProfile) -> str:
    mean = costs.mean()
    phase = "warm" if costs.warm else "first"
    what = "under the isolate lock" if costs.metric == LOCKED else "of CPU"
    limit = profile.cpu_ms
    return (
        f"a {phase} request ({costs.fixture}) takes {spoken(mean)} {what}, "
        f"{percent(mean.value / limit)} of the {limit:,g} ms of {profile.name}"
    )


def _drawn(found: Share) -> str:
    sure = percent(found.confidence)
    if found.verdict == UNTIL:
        requests = rounded(found.requests or 0)
        return (
            f"the median draw ends isolates after {requests} requests, and {sure} of "
            "the draws are of that kind"
        )
    says = "fit" if found.verdict == FITS else f"end isolates within {FEW} requests"
    return f"{sure} of the draws {says}"


def _gap(costs: Costs) -> str:
    missing, stands = ("cold", "warm") if costs.warm else ("warm", "cold")
    return f"no {missing} request was measured, so that {stands} ones stand for them"


def _route(route: Route) -> str:
    verb = "fits" if route.found.verdict == FITS else f"{route.found.said}"
    return f"{route.name} costs the Worker {spoken(route.mean)} and {verb}"


def spoken(ms: Interval) -> str:
    """``1.02 ms [0.98, 1.05]``, without ends that one process cannot tell."""
    ends = ""
    if ms.n > 1:
        ends = f" [{milliseconds(ms.low)}, {milliseconds(ms.high)}]"
    return f"{milliseconds(ms.value)} ms{ends}"
