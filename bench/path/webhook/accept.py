"""Tell the provider that the event is in our hands."""

from __future__ import annotations

from bench.path.env import Env
from bench.path.http import Response, json_response
from bench.path.webhook import State

ORDER = 30


def run(state: State, env: Env) -> Response | None:
    """Set ``answer``."""
    state.answer = json_response(202, {"accepted": True})
    return None
