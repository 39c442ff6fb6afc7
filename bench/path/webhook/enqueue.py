"""Queue the event as it came: what it means is the consumer's work."""

from __future__ import annotations

from bench.path import wire
from bench.path.bindings import queue
from bench.path.env import Env
from bench.path.errors import refusal
from bench.path.http import Response
from bench.path.webhook import State

ORDER = 20


def run(state: State, env: Env) -> Response | None:
    """Answer 400 where the body is not JSON: the consumer could not read it."""
    try:
        wire.loads(state.request.body)
    except ValueError:
        return refusal(400, "bad_request", "the body is not JSON")
    # As text: a Worker's message of type json would be written anew.
    queue.send_text(env, wire.decode(state.request.body).encode())
    return None
