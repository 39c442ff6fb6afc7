"""Let in who has a session: a KV lookup of the bearer token, else 401."""

from __future__ import annotations

from bench.path.chat import State
from bench.path.env import Env
from bench.path.http import Response
from bench.path.session import admit

ORDER = 10


def run(state: State, env: Env) -> Response | None:
    """Set ``session``; answer 401 where the token is absent, unknown or expired."""
    return admit(state, env)
