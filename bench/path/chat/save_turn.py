"""Write the turn, question and answer, when the stream has ended.

One D1 batch, so both are there or neither. Every statement checks the tenant, because
a replica that lags may have hidden from load_conversation whose conversation it is;
and every one can be repeated, so that a retry of the same turn leaves one turn.
A turn whose answer broke off or has no text is not written: the user asks again.
"""

from __future__ import annotations

from bench.path import bookmark
from bench.path.bindings import d1
from bench.path.chat import State, stream
from bench.path.env import Env
from bench.path.http import Response
from bench.path.memory import Message
from bench.path.text import tokens

ORDER = 120
WHEN = "end"

CONVERSATION = """INSERT INTO conversations (id, tenant_id, created_at, updated_at)
VALUES (?1, ?2, ?3, ?3)
ON CONFLICT(id) DO UPDATE SET updated_at = excluded.updated_at
WHERE tenant_id = excluded.tenant_id"""
MESSAGE = """INSERT INTO messages
(id, conversation_id, role, content, created_at, token_count)
SELECT ?1, id, ?4, ?5, ?6, ?7 FROM conversations WHERE id = ?2 AND tenant_id = ?3
ON CONFLICT(id) DO UPDATE SET content = excluded.content,
token_count = excluded.token_count"""
COUNT = """UPDATE conversations SET token_count =
(SELECT COALESCE(SUM(token_count), 0) FROM messages WHERE conversation_id = ?1)
WHERE id = ?1 AND tenant_id = ?2"""


def run(state: State, env: Env) -> Response | None:
    """Set ``turn_messages``; in sessions, send the write's bookmark after the body."""
    state.turn_messages = []
    if env.options.stream == "pass":
        stream.collect(state)
    text = "".join(state.stream.text)
    if state.stream.error is not None or not text:
        return None
    user, assistant = state.message_ids
    count = state.stream.output_tokens or tokens(text)
    turn = [
        Message(user, "user", state.query, tokens(state.query)),
        Message(assistant, "assistant", text, count),
    ]
    token = state.bookmark if env.options.consistency == "session" else None
    _, written = d1.batch(env, statements(state, turn, int(env.clock())), token)
    state.turn_messages = turn
    if token is not None and written is not None:
        state.bookmark = written
        state.tail.append(bookmark.comment(written))
    if env.options.consistency == "memory":
        env.memory.remember(state.key, turn, env.options.history_messages)
    return None


def statements(state: State, turn: list[Message], now: int) -> list[d1.Statement]:
    """The batch that writes ``turn`` at ``now`` (Unix seconds)."""
    place = (state.conversation, state.session.tenant)
    batch: list[d1.Statement] = [(CONVERSATION, (*place, now))]
    for one in turn:
        row = (one.id, *place, one.role, one.content, now, one.tokens)
        batch.append((MESSAGE, row))
    batch.append((COUNT, place))
    return batch
