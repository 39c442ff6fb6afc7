"""Score the matches again: the article's cosine over the vectors, and a custom formula.

    score = weight x (cosine + 0.15 x recency + 0.05 if the chunk is the tenant's)
    recency = 1 / (1 + age in days / 30)

The article gives no formula; this one has the three parts that such formulas have.
``weight`` is an editor's factor for the source, around 1. Offloaded, a service outside
that holds the vectors computes the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, sqrt
from operator import mul

from bench.path.bindings import rerank, vectorize
from bench.path.bindings.vectorize import Match
from bench.path.chat import State
from bench.path.env import Env
from bench.path.errors import Malformed
from bench.path.http import Response

ORDER = 80

_MONTH_S = 30 * 86400


def run(state: State, env: Env) -> Response | None:
    """Put ``matches`` into the order of the new scores; ties keep theirs."""
    if env.options.rerank == "off":
        return None
    order = _asked(state, env) if env.options.rerank == "offload" else _own(state, env)
    state.matches = [state.matches[place] for place in order]
    return None


def _asked(state: State, env: Env) -> Sequence[int]:
    ids = [match.id for match in state.matches]
    return rerank.places(env, state.vector, ids, state.session.tenant) if ids else ()


def _own(state: State, env: Env) -> Sequence[int]:
    now = env.clock()
    tenant = state.session.tenant
    norm = sqrt(sum(map(mul, state.vector, state.vector)))
    try:
        scores = [
            score(cosine(state.vector, norm, match.values), match, tenant, now)
            for match in state.matches
        ]
    except (TypeError, ValueError) as error:
        raise Malformed(vectorize.SERVICE, "values or metadata") from error
    return sorted(range(len(scores)), key=scores.__getitem__, reverse=True)


def cosine(query: Sequence[float], norm: float, values: Sequence[float]) -> float:
    """Cosine of two vectors, the first of length ``norm``; 0 where one is zero.

    Raises ValueError where they differ in dimensions or the length is not finite.
    """
    if len(values) != len(query):
        raise ValueError(f"{len(values)} dimensions, not {len(query)}")
    length = norm * sqrt(sum(map(mul, values, values)))
    if not isfinite(length):
        raise ValueError("length")
    return sum(map(mul, query, values)) / length if length else 0.0


def score(near: float, match: Match, tenant: str, now: float) -> float:
    """The custom score of a match whose vector is ``near`` the query (a cosine)."""
    metadata = match.metadata
    age = max(0.0, now - metadata.get("createdAt", 0))
    recency = 1 / (1 + age / _MONTH_S)
    own = 0.05 if metadata.get("tenantId") == tenant else 0.0
    return float(metadata.get("weight", 1) * (near + 0.15 * recency + own))
