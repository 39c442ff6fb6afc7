"""Replace a long history by a summary, after the response (waitUntil).

Where history and turn are over 8,000 tokens, a cheap model summarises all but the
newest messages, and one D1 batch stores the summary and deletes what it stands for.
It deletes by id: a message that was written meanwhile stays.
"""

from __future__ import annotations

from typing import Any

from bench.path import wire
from bench.path.bindings import d1, llm
from bench.path.chat import State
from bench.path.env import Env
from bench.path.http import Response
from bench.path.memory import Message

ORDER = 130
WHEN = "after"

KEPT_MESSAGES = 4  # the newest stay as they are: the next question refers to them

SUMMARY = "UPDATE conversations SET summary = ?2 WHERE id = ?1 AND tenant_id = ?3"
# One parameter for all ids: a D1 statement takes at most 100.
DELETE = """DELETE FROM messages WHERE conversation_id = ?1
AND id IN (SELECT value FROM json_each(?2))"""
COUNT = """UPDATE conversations SET token_count =
(SELECT COALESCE(SUM(token_count), 0) FROM messages WHERE conversation_id = ?1)
WHERE id = ?1"""


def run(state: State, env: Env) -> Response | None:
    """Summarise all but the newest messages if they have too many tokens together."""
    messages = state.history + state.turn_messages
    if sum(message.tokens for message in messages) <= env.options.summarize_over_tokens:
        return None
    old = messages[:-KEPT_MESSAGES]
    if not old:
        return None
    text = llm.text(llm.message(env, call(state.summary, old)))
    ids = [message.id for message in old]
    conversation = state.conversation
    d1.batch(
        env,
        [
            (SUMMARY, [conversation, text, state.session.tenant]),
            (DELETE, [conversation, wire.dumps(ids).decode()]),
            (COUNT, [conversation]),
        ],
    )
    env.memory.forget(state.key, ids)
    return None


def call(summary: str | None, old: list[Message]) -> dict[str, Any]:
    """Body of the call that asks for a summary of ``old`` and the summary before it."""
    lines = [f"{message.role}: {message.content}" for message in old]
    if summary:
        lines.insert(0, f"summary of what came before: {summary}")
    return {
        "model": llm.MODEL,
        "max_tokens": llm.MAX_TOKENS,
        "stream": False,
        "system": "Summarise this conversation in at most 200 words. Keep names, "
        "numbers, decisions and open questions.",
        "messages": [{"role": "user", "content": "\n\n".join(lines)}],
    }
