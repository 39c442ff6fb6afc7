"""Let in who has a session, as for a chat request."""

from __future__ import annotations

from bench.path.agent import State
from bench.path.env import Env
from bench.path.http import Response
from bench.path.session import admit

ORDER = 10


def run(state: State, env: Env) -> Response | None:
    """Set ``session``; answer 401 where the token is absent, unknown or expired."""
    return admit(state, env)
