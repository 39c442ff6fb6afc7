"""Answer with the text, and with where the time went."""

from __future__ import annotations

from bench.path.agent import State
from bench.path.env import Env
from bench.path.http import Response, json_response

ORDER = 40


def run(state: State, env: Env) -> Response | None:
    """Set ``answer``."""
    calls = [each._asdict() for each in state.calls]
    state.answer = json_response(200, {"text": state.text, "calls": calls})
    return None
