"""Anthropic's Messages API, as a stream and as one whole message."""

from __future__ import annotations

from typing import Any

from bench.path import wire
from bench.path.env import Env
from bench.path.errors import Malformed, bad_status
from bench.path.http import Call, StreamReply

SERVICE = "anthropic"
MODEL = "claude-3-5-haiku-20241022"  # the article's; it also summarises with it
MAX_TOKENS = 1024


def stream(env: Env, body: dict[str, Any]) -> StreamReply:
    """The open stream of a message; raises before it if the status is not 200."""
    reply = env.transport.stream(_call(env, body))
    if reply.status != 200:
        reply.close()
        raise bad_status(SERVICE, reply)
    return reply


def message(env: Env, body: dict[str, Any]) -> dict[str, Any]:
    """The whole message; its ``content`` is a list of objects with a ``type``."""
    reply = env.transport.send(_call(env, body))
    if reply.status != 200:
        raise bad_status(SERVICE, reply)
    try:
        answer = wire.loads(reply.body)
        blocks = answer["content"]
        if not all(isinstance(block["type"], str) for block in blocks):
            raise Malformed(SERVICE, "content")
    except (TypeError, ValueError, LookupError) as error:
        raise Malformed(SERVICE, "body") from error
    return dict(answer)


def text(answer: dict[str, Any]) -> str:
    """The text blocks of a message, joined; raises Malformed if one holds no text."""
    blocks = [block for block in answer["content"] if block["type"] == "text"]
    try:
        return "".join([block["text"] for block in blocks])
    except (TypeError, LookupError) as error:
        raise Malformed(SERVICE, "text") from error


def _call(env: Env, body: dict[str, Any]) -> Call:
    headers = {
        "x-api-key": env.secrets.anthropic_api_key,
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
    }
    content = wire.dumps(body)
    timeout = env.options.llm_timeout_s
    return Call(SERVICE, "POST", "/v1/messages", headers, content, timeout)
