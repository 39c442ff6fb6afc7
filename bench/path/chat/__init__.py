"""A chat request: a question about a tenant's documents, answered as a stream.

``POST /chat`` with ``authorization: Bearer <token>`` and the JSON body

    {"query": str, "tenantId"?: str, "conversationId"?: str, "turnId"?: str}

``turnId`` names the turn, so that a retry overwrites its messages instead of adding
them again; ids are made up where they are absent. The answer is an event stream.
"""

from __future__ import annotations

from typing import Any

from bench.path.bindings.vectorize import Match
from bench.path.convert import StreamStats
from bench.path.http import StreamReply
from bench.path.memory import Message
from bench.path.state import State as Base


class State(Base):
    """What the stages of a chat request hand on, with the stage that sets it."""

    query: str  # parse_request; made safe by validate
    tenant: str  # parse_request, as claimed; proved by validate
    conversation: str  # parse_request
    turn: str  # parse_request
    summary: str | None  # load_conversation
    history: list[Message]  # load_conversation, oldest first, without this turn
    bookmark: str | None  # load_conversation, moved on by save_turn
    vector: Any  # embed: a sequence of 1,536 floats
    matches: list[Match]  # retrieve; in a new order after rerank
    context: str  # assemble
    upstream: StreamReply  # complete
    stream: StreamStats  # stream
    passed: list[bytes]  # stream: what went through untouched
    turn_messages: list[Message]  # save_turn; empty where there was nothing to save

    @property
    def key(self) -> tuple[str, str]:
        """Tenant and conversation: what memory is kept under."""
        return self.session.tenant, self.conversation

    @property
    def message_ids(self) -> tuple[str, str]:
        """Ids of this turn's two messages.

        They contain the conversation's, so that no turn can name another's message.
        """
        return (
            f"{self.conversation}:{self.turn}:user",
            f"{self.conversation}:{self.turn}:assistant",
        )
