"""Turn the query into a vector: one call, and 1,536 numbers to parse."""

from __future__ import annotations

from bench.path.bindings import embeddings
from bench.path.chat import State
from bench.path.env import Env
from bench.path.http import Response

ORDER = 60

INPUT_CHARS = 8000  # the article's guard of the model's token limit


def run(state: State, env: Env) -> Response | None:
    """Set ``vector``."""
    state.vector = embeddings.embed(env, state.query[:INPUT_CHARS])[0]
    return None
