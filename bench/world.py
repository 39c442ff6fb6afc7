"""What one measured user journey needs, seeded into running services.

A user of the first tenant has a conversation and a corpus of documents, sends a
transcript (``ingest``), a queue consumer embeds it (``consume``), and the user asks a
question about it (``chat``).

The three requests can be replayed any number of times at the same cost:

* ``chat`` names its turn. Saving it again overwrites its two messages, loading the
  conversation leaves the turn itself out, and the conversation stays under the 8,000
  tokens at which it would be summarised. The rate-limit bucket is overwritten and far
  too large to run dry, and the clock stands still.
* ``ingest`` overwrites the same R2 objects. The queue of the service grows by the same
  few messages each time; nothing in the path reads it.
* ``consume`` upserts the same vector ids. It is one batch of at most ten messages, as
  a queue consumer gets by default, however long the transcript is.

``reset`` undoes even what does not matter. ``long_chat`` is the same question in a
conversation over 8,000 tokens: it is summarised, so it costs that only once after a
``reset``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bench import fixture_set
from bench.errors import BenchError
from bench.path import invoke, wire
from bench.path.bindings import embeddings
from bench.path.chat.assemble import chunk_key
from bench.path.consume.upsert import metadata
from bench.path.env import Env, Options, Secrets
from bench.path.http import Request, read
from bench.path.ingest import State as IngestState
from bench.path.ingest.store import line
from bench.path.schema import SCHEMA
from bench.path.transport import HttpTransport, Transport

NOW = 1_790_000_000.0  # 2026-09-21T14:13:20Z, later than everything in the fixtures
TRANSCRIPT = "call-1"
LONG_SUFFIX = "-long"
BATCH_MESSAGES = 10  # a consumer's default batch (Cloudflare docs, Queues)
SHORT_TOKENS = 6000  # of history in the conversation that is not summarised
_EMBEDDED_AT_ONCE = 100
_QUOTED_WORDS = 30


class Services(Protocol):
    """The part of the running services that a world needs."""

    endpoints: dict[str, str]

    def reset(self, *, settings: bool) -> None:
        """Forget all data."""

    def put(self, service: str, data: Any) -> None:
        """Seed state that is visible at once."""

    def take(self, service: str, limit: int = 10) -> list[dict[str, Any]]:
        """Remove messages from a queue."""


@dataclass(frozen=True)
class World:
    """Seeded services and the requests of the journey; plain data, can be pickled.

    ``requests`` has ``chat``, ``ingest`` and ``consume``; ``options`` are the ones it
    was built with, and other variants of them work on the same services.
    """

    endpoints: dict[str, str]
    requests: dict[str, Request]
    long_chat: Request
    options: Options
    secrets: Secrets
    conversations: dict[str, list[dict[str, Any]]]

    def env(self, transport: Transport, **variants: Any) -> Env:
        """An environment for the requests; ``variants`` replace single options."""
        options = replace(self.options, **variants)
        return Env(transport, options, lambda: NOW, self.secrets)

    def reset(self, services: Services) -> None:
        """Bring conversations and queue back to where they were after ``build``."""
        clear = "DELETE FROM messages; DELETE FROM conversations;"
        services.put("d1", {"sql": clear, "rows": self.conversations})
        while services.take("queue", 1000):
            pass


def build(
    services: Services, transcript: bytes, seed: int = 1, **variants: Any
) -> World:
    """Seed ``services`` for a journey with ``transcript``; ``seed`` picks the user and
    ``variants`` replace single options of the path.

    What they held before is forgotten, their settings stay. Takes seconds however long
    the transcript is: at most the chunks of one consumer batch are embedded. Raises
    BenchError when the path refuses the transcript.
    """
    services.reset(settings=False)
    conversation = json.loads(fixture_set.read("conversation.json"))
    token = _seed_session(services, conversation["tenantId"], seed)
    rows = conversations_of(conversation)
    services.put("d1", {"sql": ";".join(SCHEMA)})
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    ingest = Request("POST", f"/transcripts/{TRANSCRIPT}", headers, transcript)
    large = {"rate_per_minute": 1_000_000, "max_transcript_bytes": 64 * 2**20}
    options = Options(**large | variants)
    secrets = Secrets("sk-ant-made-up", "sk-made-up", "whsec-made-up")
    passages = _passages()
    with HttpTransport(services.endpoints) as transport:
        env = Env(transport, replace(options, embedding="base64"), lambda: NOW, secrets)
        messages, chunks = _ingest(ingest, env)
        _seed_vectors(services, env, passages + chunks)
    asked = chunks[len(chunks) // 2] if chunks else passages[0]
    world = World(
        dict(services.endpoints),
        {
            "chat": _chat(headers, asked["content"], conversation["id"]),
            "ingest": ingest,
            "consume": Request("POST", "/queue", {}, wire.dumps(messages)),
        },
        _chat(headers, asked["content"], conversation["id"] + LONG_SUFFIX),
        options,
        secrets,
        rows,
    )
    world.reset(services)
    return world


def _seed_session(services: Services, tenant: str, seed: int) -> str:
    """Put all sessions into KV; the token of one of ``tenant`` that is valid."""
    sessions = json.loads(fixture_set.read("sessions.json"))
    services.put("kv", {f"session:{token}": value for token, value in sessions.items()})
    usable = [
        token
        for token, session in sessions.items()
        if session["tenantId"] == tenant and session["expiresAt"] > NOW
    ]
    return str(usable[seed % len(usable)])


def conversations_of(fixture: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Rows of two conversations: all of the fixture, and its newest messages."""
    short: list[dict[str, Any]] = []
    for message in reversed(fixture["messages"]):
        if _tokens([message, *short]) > SHORT_TOKENS:
            break
        short.insert(0, message)
    rows: dict[str, list[dict[str, Any]]] = {"conversations": [], "messages": []}
    for suffix, messages in (("", short), (LONG_SUFFIX, fixture["messages"])):
        name = fixture["id"] + suffix
        rows["conversations"].append(
            {
                "id": name,
                "tenant_id": fixture["tenantId"],
                "created_at": fixture["createdAt"],
                "updated_at": fixture["updatedAt"],
                "token_count": _tokens(messages),
            }
        )
        rows["messages"] += [
            {
                "id": message["id"] + suffix,
                "conversation_id": name,
                "role": message["role"],
                "content": message["content"],
                "created_at": message["createdAt"],
                "token_count": message["tokenCount"],
            }
            for message in messages
        ]
    return rows


def _tokens(messages: Sequence[dict[str, Any]]) -> int:
    return sum(message["tokenCount"] for message in messages)


def _passages() -> list[dict[str, Any]]:
    lines = fixture_set.read("corpus.ndjson").splitlines()
    return [json.loads(line) for line in lines]


def _ingest(request: Request, env: Env) -> tuple[list[Any], list[dict[str, Any]]]:
    """Run the ingestion once; messages and chunks of a consumer's first batch."""
    state, response = invoke("ingest", request, env)
    answer = read(response)
    if response.status != 202 or not isinstance(state, IngestState):
        raise BenchError(f"the path refuses the transcript: {answer.decode()}")
    messages = state.messages[:BATCH_MESSAGES]
    end = messages[-1]["to"] if messages else 0
    now = int(env.clock())
    chunks = []
    for chunk in state.chunks[:end]:
        stored = json.loads(line(chunk))
        stored |= {"tenantId": state.session.tenant, "transcriptId": state.transcript}
        chunks.append({"id": chunk.id} | metadata(stored, now, content=True))
    return messages, chunks


def _seed_vectors(services: Services, env: Env, texts: list[dict[str, Any]]) -> None:
    """Embed ``texts`` (an id, and metadata with the content) for both contexts."""
    for first in range(0, len(texts), _EMBEDDED_AT_ONCE):
        part = texts[first : first + _EMBEDDED_AT_ONCE]
        vectors = embeddings.embed(env, [text["content"] for text in part])
        stored = [
            {
                "id": text["id"],
                "values": vector,
                "metadata": {key: text[key] for key in text if key != "id"},
            }
            for text, vector in zip(part, vectors, strict=True)
        ]
        services.put("vectorize", {"vectors": stored})
        services.put("rerank", {"vectors": stored})
        services.put("r2", {chunk_key(text["id"]): text["content"] for text in part})


def _chat(headers: dict[str, str], passage: str, conversation: str) -> Request:
    """A question that quotes ``passage``, so that retrieval has something to find."""
    quoted = " ".join(passage.split()[:_QUOTED_WORDS])
    body = {
        "query": f"What was decided after this was said: {quoted}",
        "conversationId": conversation,
        "turnId": "turn-1",
    }
    return Request("POST", "/chat", headers, wire.dumps(body))
