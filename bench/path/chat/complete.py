"""Build the call of the model and open its stream.

It waits for the head of the reply only: a model that refuses gets its HTTP answer
(429, 502, 504) here, before the first byte has gone to the user.
"""

from __future__ import annotations

from typing import Any

from bench.path.bindings import llm
from bench.path.chat import State
from bench.path.env import Env
from bench.path.http import Response
from bench.path.memory import Message

ORDER = 100


def run(state: State, env: Env) -> Response | None:
    """Set ``upstream``."""
    state.upstream = llm.stream(env, call(state))
    return None


def call(state: State) -> dict[str, Any]:
    """Body of the Messages API call: context and summary in ``system``, then turns."""
    system = (
        "You are a helpful assistant. Answer based on the following context:\n\n"
        + state.context
    )
    if state.summary:
        system += f"\n\nThe conversation so far, in short:\n\n{state.summary}"
    messages = turns(state.history)
    messages.append({"role": "user", "content": state.query})
    return {
        "model": llm.MODEL,
        "max_tokens": llm.MAX_TOKENS,
        "stream": True,
        "system": system,
        "messages": messages,
    }


def turns(history: list[Message]) -> list[dict[str, Any]]:
    """``history`` as the API takes it: it begins with the user, and no text is empty.

    The role ``tool`` exists in our table only; there the user brings tool results.
    """
    messages: list[dict[str, Any]] = []
    for message in history:
        role = "assistant" if message.role == "assistant" else "user"
        if message.content and (messages or role == "user"):
            messages.append({"role": role, "content": message.content})
    return messages
