"""Refuse what must not go on: a foreign tenant, or a query without content."""

from __future__ import annotations

from bench.path.chat import State
from bench.path.env import Env
from bench.path.errors import refusal
from bench.path.http import Response
from bench.path.text import sanitise

ORDER = 30


def run(state: State, env: Env) -> Response | None:
    """Make ``query`` safe; 403 where the tenant is not the session's, 400 if empty."""
    if state.tenant != state.session.tenant:
        return refusal(403, "forbidden", "the session belongs to another tenant")
    state.query = sanitise(state.query)
    if not state.query:
        return refusal(400, "bad_request", "query: empty")
    return None
