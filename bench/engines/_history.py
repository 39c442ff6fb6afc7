"""Conversations on PostgreSQL: the path's tables and statements, for many sessions.

The tables are those of `bench.path.schema`, with ``seq`` in the place of SQLite's
rowid; the statements are those of `bench.path.chat.load_conversation` and ``save_turn``
in PostgreSQL's words, each set one transaction. A turn can be saved again, and a load
leaves out the turn that is being saved, so that the same request always has the same
answer.
"""

from __future__ import annotations

from typing import Any

from bench.engines._client import Running

TENANT = "tenant-00"
LONG = "conversation-long"
"""A conversation of ``LONG_MESSAGES``, beside the many of ``MESSAGES`` each; a
message has 448 characters."""
MESSAGES, LONG_MESSAGES = 20, 200
_BLOCK = 5000  # conversations in one statement
_NOW = 1_767_225_600

_TABLES = (
    """CREATE TABLE conversations (
  id text PRIMARY KEY,
  tenant_id text NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  summary text,
  token_count integer DEFAULT 0
)""",
    """CREATE TABLE messages (
  seq bigint GENERATED ALWAYS AS IDENTITY,
  id text PRIMARY KEY,
  conversation_id text NOT NULL REFERENCES conversations(id),
  role text NOT NULL CHECK (role IN ('user', 'assistant', 'tool')),
  content text NOT NULL,
  created_at bigint NOT NULL,
  token_count integer DEFAULT 0
)""",
    "CREATE INDEX ON messages (conversation_id, created_at DESC, seq DESC)",
    "CREATE INDEX ON conversations (tenant_id, updated_at DESC)",
)
_MANY = """INSERT INTO conversations
SELECT 'conversation-' || i, $3, $4, $4 FROM generate_series($1::int, $2::int) i"""
_THEIRS = """INSERT INTO messages
(id, conversation_id, role, content, created_at, token_count)
SELECT 'm-' || i || '-' || j, 'conversation-' || i,
  CASE j % 2 WHEN 0 THEN 'user' ELSE 'assistant' END,
  repeat(md5(i || '/' || j), 14), $3::bigint + j, 112
FROM generate_series($1::int, $2::int) i, generate_series(0, $4::int - 1) j"""
_LONG = (
    ("INSERT INTO conversations VALUES ($1, $2, $3, $3)", [LONG, TENANT, _NOW]),
    (
        """INSERT INTO messages
(id, conversation_id, role, content, created_at, token_count)
SELECT 'long-' || j, $1, CASE j % 2 WHEN 0 THEN 'user' ELSE 'assistant' END,
  repeat(md5(j::text), 14), $2::bigint + j, 112
FROM generate_series(0, $3::int - 1) j""",
        [LONG, _NOW, LONG_MESSAGES],
    ),
)

STATEMENTS = {
    "conversation": "SELECT tenant_id, summary FROM conversations WHERE id = $1",
    "messages": """SELECT id, role, content, token_count FROM messages
WHERE conversation_id = $1 AND id NOT IN ($2, $3)
ORDER BY created_at DESC, seq DESC LIMIT $4""",
    "touch": """INSERT INTO conversations (id, tenant_id, created_at, updated_at)
VALUES ($1, $2, $3, $3)
ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at
WHERE conversations.tenant_id = excluded.tenant_id""",
    "message": """INSERT INTO messages
(id, conversation_id, role, content, created_at, token_count)
SELECT $1::text, id, $4::text, $5::text, $6::bigint, $7::integer
FROM conversations WHERE id = $2 AND tenant_id = $3
ON CONFLICT (id) DO UPDATE SET content = excluded.content,
token_count = excluded.token_count""",
    "count": """UPDATE conversations SET token_count =
(SELECT COALESCE(SUM(token_count), 0) FROM messages WHERE conversation_id = $1)
WHERE id = $1 AND tenant_id = $2""",
}


def seed(running: Running, first: int, last: int) -> None:
    """Conversations ``first`` to before ``last``; from 0 the tables are made too.

    Raises BenchError where PostgreSQL refuses.
    """
    if first == 0:
        for table in _TABLES:
            running.sql(table)
        for query, params in _LONG:
            running.sql(query, params)
    for start in range(first, last, _BLOCK):
        block = [start, min(start + _BLOCK, last) - 1]
        running.sql(_MANY, [*block, TENANT, _NOW])
        running.sql(_THEIRS, [*block, _NOW, MESSAGES])
    running.sql("VACUUM ANALYZE")


def name(conversation: int) -> str:
    """The id of a conversation."""
    return f"conversation-{conversation}"


def long_ids() -> list[str]:
    """The ids of the messages of the long conversation, oldest first."""
    return [f"long-{j}" for j in range(LONG_MESSAGES)]


def load(conversation: str, limit: int = MESSAGES) -> dict[str, Any]:
    """The body that reads a conversation and its newest ``limit`` messages."""
    return _batch(
        ("conversation", [conversation]),
        ("messages", [conversation, *_ids(conversation), limit]),
    )


def save(conversation: str, question: str, answer: str) -> dict[str, Any]:
    """The body that writes a turn."""
    user, assistant = _ids(conversation)
    place = [conversation, TENANT]
    late = _NOW + 10**6
    return _batch(
        ("touch", [*place, late]),
        ("message", [user, *place, "user", question, late, len(question) // 4]),
        ("message", [assistant, *place, "assistant", answer, late, len(answer) // 4]),
        ("count", place),
    )


def _ids(conversation: str) -> list[str]:
    return [f"{conversation}/turn/user", f"{conversation}/turn/assistant"]


def _batch(*named: tuple[str, list[Any]]) -> dict[str, Any]:
    return {
        "queries": [
            {"query": STATEMENTS[each], "params": params} for each, params in named
        ]
    }
