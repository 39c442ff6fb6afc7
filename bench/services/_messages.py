"""Requests and answers as plain values, so that a service is a function of them.

A service knows nothing of sockets: it turns a Call into a Reply or a Stream. The
server sends it, and a fault may break it on the way out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``path`` is as sent (percent-encoded), without the query.

    ``headers`` compares names without regard to case.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def route(self) -> str:
        """Method and path, such as ``POST /query``."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer, sent with Content-Length in one write."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Stream:
    """A chunked answer: ``split`` cuts ``body`` into the chunks that are sent.

    ``delay_s`` passes between two chunks. A fault edits ``body`` or replaces
    ``split``, so the two are kept apart until the answer is sent.
    """

    body: bytes
    split: Callable[[bytes], list[bytes]]
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0

    def with_body(self, body: bytes) -> Stream:
        """The same stream with other bytes."""
        return replace(self, body=body)


Answer = Reply | Stream


class Refusal(Exception):  # noqa: N818 - an answer, not an error of ours
    """Raised inside a service to answer at once with ``reply``."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(reply.status)


def json_reply(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Reply:
    """``value`` as compact JSON; numpy float32 prints its shortest text."""
    body = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    return Reply(status, {**JSON, **(headers or {})}, body)


def not_found(call: Call) -> Reply:
    """404 for a route that the service does not have."""
    return json_reply({"error": f"no route for {call.route}"}, 404)
