"""The tools that the agent may call: each is one or two HTTP calls of the path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.path.bindings import embeddings, kv, vectorize
from bench.path.chat.assemble import content_of
from bench.path.env import Env
from bench.path.state import Session

_NEAREST = 3

TOOLS: list[dict[str, Any]] = [
    {
        "name": "search_documents",
        "description": "Find passages of the tenant's documents about a subject.",
        "input_schema": {
            "type": "object",
            "properties": {"query": {"type": "string"}},
            "required": ["query"],
        },
    },
    {
        "name": "get_record",
        "description": "Look up one of the tenant's records by its name.",
        "input_schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
        },
    },
]


def call(name: str, given: Any, session: Session, env: Env) -> str:
    """What the tool ``name`` answers, as text for the model.

    Raises ValueError for a tool or an input that there is not, and UpstreamError.
    """
    if name not in _CALLS:
        raise ValueError(f"there is no tool called {name}")
    field, run = _CALLS[name]
    if not isinstance(given, dict) or not isinstance(given.get(field), str):
        raise ValueError(f"{field}: a text is required")
    return run(given[field], session, env)


def _search(query: str, session: Session, env: Env) -> str:
    vector = embeddings.embed(env, query[:2000])[0]
    matches = vectorize.query(env, vector, session.tenant, _NEAREST, values=False)
    texts = [content_of(match) for match in matches]
    return "\n\n".join(texts) or "nothing was found"


def _record(name: str, session: Session, env: Env) -> str:
    value = kv.get(env, f"record:{session.tenant}:{name[:100]}")
    if value is None:
        return "there is no such record"
    return value.decode("utf-8", "replace")


_CALLS: dict[str, tuple[str, Callable[[str, Session, Env], str]]] = {
    "search_documents": ("query", _search),
    "get_record": ("name", _record),
}
