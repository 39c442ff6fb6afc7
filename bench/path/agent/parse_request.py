"""Take the task from the body, made safe and cut like a chat query."""

from __future__ import annotations

from bench.path import wire
from bench.path.agent import State
from bench.path.chat.parse_request import BODY_BYTES, QUERY_CHARS
from bench.path.env import Env
from bench.path.errors import refusal
from bench.path.http import Response
from bench.path.text import sanitise

ORDER = 20


def run(state: State, env: Env) -> Response | None:
    """Set ``query``; 400 for a bad body, 413 for one that is too large."""
    if len(state.request.body) > BODY_BYTES:
        return refusal(413, "too_large", f"the body is over {BODY_BYTES} bytes")
    try:
        query = wire.loads(state.request.body)["query"]
    except (TypeError, ValueError, LookupError):
        return refusal(400, "bad_request", "the body is not JSON with a query")
    if not isinstance(query, str):
        return refusal(400, "bad_request", "query: a text is required")
    state.query = sanitise(query[:QUERY_CHARS])
    if not state.query:
        return refusal(400, "bad_request", "query: empty")
    return None
