"""An agent request: the model asks for tools, the path runs them, until it answers.

``POST /agent`` with ``authorization: Bearer <token>`` and ``{"query": str}``. Answer:
200 and ``{"text","calls":[{"kind","name","ms","ok"}]}``, the wall clock of each call
in whole milliseconds. Replies of the model are read whole, not as a stream: nobody
sees the text of a step that ends in a tool call.
"""

from __future__ import annotations

from typing import NamedTuple

from bench.path.state import State as Base


class Call(NamedTuple):
    """One call that the agent waited for; ``kind`` is ``llm`` or ``tool``."""

    kind: str
    name: str
    ms: int
    ok: bool


class State(Base):
    """What the stages of an agent request hand on, with the stage that sets it."""

    query: str  # parse_request
    calls: list[Call]  # act
    text: str  # act
