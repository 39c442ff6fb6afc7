"""Join the texts of the matches into the context of the prompt.

``metadata``: the text came along with the match (at most 10 KiB each). ``r2``: the
match has only an id, and each text is one read of an object.
"""

from __future__ import annotations

from bench.path.bindings import r2
from bench.path.bindings.vectorize import Match
from bench.path.chat import State
from bench.path.env import Env
from bench.path.http import Response

ORDER = 90

SEPARATOR = "\n\n---\n\n"


def chunk_key(name: str) -> str:
    """Where R2 holds the text of the chunk called ``name``."""
    return f"chunks/{name}"


def run(state: State, env: Env) -> Response | None:
    """Set ``context``; a match without a text is left out."""
    if env.options.context == "r2":
        texts = [_from_r2(match, env) for match in state.matches]
    else:
        texts = [content_of(match) for match in state.matches]
    state.context = SEPARATOR.join([text for text in texts if text])
    return None


def content_of(match: Match) -> str:
    """The text in a match's metadata; empty if it has none."""
    content = match.metadata.get("content")
    return content if isinstance(content, str) else ""


def _from_r2(match: Match, env: Env) -> str:
    text = r2.get(env, chunk_key(match.id))
    return "" if text is None else text.decode("utf-8", "replace")
