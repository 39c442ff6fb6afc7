"""A model that asks for tools, as often as the question says.

The plain service of `bench.services` never does. What this one says is a function of
the request alone, so that an agent's request has the same answer every time.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from bench.services import anthropic
from bench.services._messages import Answer, Call, json_reply

_WANTED = re.compile(r"with (\d+) tool calls")


class Service(anthropic.Service):
    """Asks for one tool in each reply until the wanted number of results is there."""

    def handle(self, call: Call) -> Answer:
        """Answer a request that offers tools by the script, others as usual."""
        body = _object(call.body)
        if not body.get("tools"):
            return super().handle(call)
        self._admit(call)
        self.remember(body)
        messages = body["messages"]
        done = sum(isinstance(message["content"], list) for message in messages) // 2
        return json_reply(_message(body["model"], _reply(messages[0]["content"], done)))


def question(calls: int) -> str:
    """A question that makes the model ask for ``calls`` tools, one after the other."""
    return f"Which refund rules hold for order-1? Answer it with {calls} tool calls."


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _reply(asked: str, done: int) -> list[dict[str, Any]]:
    found = _WANTED.search(asked)
    if done >= (int(found[1]) if found else 0):
        text = "Refunds of order-1 go to the card that paid, within five working days."
        return [{"type": "text", "text": text}]
    search = {"query": f"refund rules, part {done + 1}, for an order that was shipped"}
    name, given = [("search_documents", search), ("get_record", {"name": "order-1"})][
        done % 2
    ]
    tool = {"type": "tool_use", "id": f"toolu_{done:024d}", "name": name}
    return [{"type": "text", "text": "Let me look."}, tool | {"input": given}]


def _message(model: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "msg_000000000000000000000000",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": "tool_use" if len(content) > 1 else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 512, "output_tokens": 64},
    }
