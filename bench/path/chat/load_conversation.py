"""Read the conversation: its summary and its newest messages, two rows sets at once.

What a user just wrote may be missing from a replica (Cloudflare docs, D1 read
replication). ``options.consistency`` says what is done about it:

    none      read any replica (``first-unconstrained``): the hazard
    session   the client carries the bookmark of its last write (``x-d1-bookmark``)
    memory    read any replica and add what this isolate wrote itself
"""

from __future__ import annotations

from typing import Any

from bench.path.bindings import d1
from bench.path.bookmark import HEADER
from bench.path.chat import State
from bench.path.env import Env
from bench.path.errors import Malformed, refusal
from bench.path.http import Response
from bench.path.memory import Message

ORDER = 50

ANY_REPLICA = "first-unconstrained"
CONVERSATION = "SELECT tenant_id, summary FROM conversations WHERE id = ?1"
# Within a second the order is that of writing. A retried turn must not see itself.
MESSAGES = """SELECT id, role, content, token_count FROM messages
WHERE conversation_id = ?1 AND id NOT IN (?2, ?3)
ORDER BY created_at DESC, rowid DESC LIMIT ?4"""


def run(state: State, env: Env) -> Response | None:
    """Set ``summary``, ``history`` and ``bookmark``; 403 for a foreign conversation."""
    options = env.options
    token = ANY_REPLICA
    if options.consistency == "session":
        token = state.request.headers.get(HEADER, ANY_REPLICA)
    ids = state.message_ids
    limit = options.history_messages
    (conversation, messages), bookmark = d1.batch(
        env,
        [
            (CONVERSATION, [state.conversation]),
            (MESSAGES, [state.conversation, *ids, limit]),
        ],
        token,
    )
    try:
        tenant, summary = conversation[0] if conversation else (state.tenant, None)
        if not isinstance(summary, str | None):
            raise TypeError("summary")
        history = [_message(row) for row in reversed(messages)]
    except (TypeError, ValueError) as error:
        raise Malformed(d1.SERVICE, "rows") from error
    if tenant != state.session.tenant:
        return refusal(403, "forbidden", "the conversation belongs to another tenant")
    if options.consistency == "memory":
        merged = env.memory.merge(state.key, history)
        history = [message for message in merged if message.id not in ids][-limit:]
    state.summary = summary
    state.history = history
    state.bookmark = bookmark
    return None


def _message(row: list[Any]) -> Message:
    name, role, content, tokens = row
    if not all(isinstance(text, str) for text in (name, role, content)):
        raise TypeError("id, role or content")
    return Message(name, role, content, int(tokens or 0))
