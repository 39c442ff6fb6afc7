"""Read the chunks of the batch from R2 and embed all of them in one call."""

from __future__ import annotations

from typing import Any

from bench.path import wire
from bench.path.bindings import embeddings, r2
from bench.path.consume import State
from bench.path.env import Env
from bench.path.errors import Malformed, refusal
from bench.path.http import Response

ORDER = 10


def run(state: State, env: Env) -> Response | None:
    """Set ``chunks``, ``vectors`` and ``missing``; 400 for a batch that is none."""
    try:
        messages = _messages(state.request.body)
    except (TypeError, ValueError, LookupError):
        return refusal(400, "bad_request", "the body is not a list of queue messages")
    state.chunks = []
    state.missing = 0
    for key, tenant, transcript in messages:
        body = r2.get(env, key)
        if body is None:
            state.missing += 1  # deleted since; delivering it again would not help
            continue
        state.chunks += _chunks(body, tenant, transcript)
    texts = [chunk["text"] for chunk in state.chunks]
    state.vectors = list(embeddings.embed(env, texts)) if texts else []
    return None


def _messages(body: bytes) -> list[tuple[str, str, str]]:
    """R2 key, tenant and transcript of each message.

    Texts are events of webhooks, which share the queue: nothing is to be done about
    them yet, so they are acknowledged with the rest.
    """
    messages = wire.loads(body)
    if not isinstance(messages, list):
        raise TypeError("no list")
    return [
        (_text(each, "key"), _text(each, "tenantId"), _text(each, "transcriptId"))
        for each in messages
        if not isinstance(each, str)
    ]


def _text(message: dict[str, Any], name: str) -> str:
    value = message[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _chunks(body: bytes, tenant: str, transcript: str) -> list[dict[str, Any]]:
    try:
        chunks = [wire.loads(line) for line in body.split(b"\n")]
        for chunk in chunks:
            _text(chunk, "id")
            _text(chunk, "text")
            chunk["tenantId"] = tenant
            chunk["transcriptId"] = transcript
    except (TypeError, ValueError, LookupError) as error:
        raise Malformed(r2.SERVICE, "chunks") from error
    return chunks
