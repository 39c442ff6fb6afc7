"""Ask Vectorize for the tenant's chunks nearest to the query.

The vectors themselves come back only where they are scored again: 8 x 1,536 floats of
JSON to parse are the price of re-ranking in the path.
"""

from __future__ import annotations

from bench.path.bindings import vectorize
from bench.path.chat import State
from bench.path.env import Env
from bench.path.http import Response

ORDER = 70


def run(state: State, env: Env) -> Response | None:
    """Set ``matches``, best first."""
    options = env.options
    state.matches = vectorize.query(
        env,
        state.vector,
        state.session.tenant,
        options.top_k,
        values=options.rerank == "in_path",
    )
    return None
