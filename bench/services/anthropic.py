"""``POST /v1/messages`` as Anthropic answers it: a replayed stream, or a message.

Event order and error bodies have the recorded shapes; 529 and the error in mid-stream
have the documented one (Anthropic API reference, Errors and Streaming), because none
is on record.
"""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from bench.services._messages import Answer, Call, Refusal, Reply, json_reply
from bench.services._replay import Replaying, padded, summary, texts_of

HOST = "api.anthropic.com"

ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
MAX_BODY = 32 * 2**20
CHARS_PER_TOKEN = 4


class Request(msgspec.Struct):
    """What a request must have."""

    model: str
    max_tokens: int
    messages: list[dict[str, Any]]
    system: Any = None
    stream: bool = False


class Service(Replaying):
    """The messages endpoint."""

    fixture = "anthropic.sse"
    giant_after = b'"text_delta"'

    def clear(self) -> None:
        """Request ids start again."""
        super().clear()
        self._requests = 0

    def handle(self, call: Call) -> Answer:
        """Answer a message, streamed if ``stream`` is true."""
        self._admit(call)
        try:
            request = msgspec.json.decode(call.body, type=Request)
        except msgspec.MsgspecError as error:
            return self.failure(400, str(error))
        if not request.messages:
            return self.failure(400, "messages: at least one message is required")
        if request.max_tokens < 1:
            return self.failure(400, "max_tokens: must be greater than or equal to 1")
        self.remember(orjson.loads(call.body))
        headers = {"request-id": self._id("req")}
        if request.stream:
            return self.replayed(headers)
        return json_reply(self._message(request), headers=headers)

    def failure(self, status: int, message: str) -> Reply:
        """An error in Anthropic's shape."""
        kind = ERRORS.get(status, "api_error")
        id_ = self._id("req")
        error = {"type": kind, "message": message}
        body = {"type": "error", "error": error, "request_id": id_}
        return json_reply(body, status, {"request-id": id_})

    def overloaded(self) -> Reply:
        """529, which is Anthropic's own status for it."""
        return self.failure(529, "Overloaded")

    def stream_error(self) -> bytes:
        """The event that a stream ends with when the provider is overloaded."""
        error = {"type": "overloaded_error", "message": "Overloaded"}
        data = orjson.dumps({"type": "error", "error": error})
        return b"event: error\ndata: " + data + b"\n\n"

    def giant_event(self, size: int) -> bytes:
        """A text delta."""
        delta = {"type": "text_delta", "text": ""}
        event = {"type": "content_block_delta", "index": 0, "delta": delta}
        line = padded(event, ["delta", "text"], size)
        return b"event: content_block_delta\n" + line + b"\n\n"

    def _admit(self, call: Call) -> None:
        if call.route != "POST /v1/messages":
            raise Refusal(self.failure(404, "Not found"))
        key = call.headers.get("x-api-key")
        if not key:
            raise Refusal(self.failure(401, "x-api-key header is required"))
        if self.settings.api_key not in {None, key}:
            raise Refusal(self.failure(401, "invalid x-api-key"))
        if not call.headers.get("anthropic-version"):
            raise Refusal(self.failure(400, "anthropic-version: header is required"))
        if len(call.body) > MAX_BODY:
            text = "Request exceeds the maximum size"
            raise Refusal(self.failure(413, text))

    def _message(self, request: Request) -> dict[str, Any]:
        texts = texts_of(request.messages)
        said = summary(texts)
        asked = sum(len(text) for text in texts) + len(str(request.system or ""))
        return {
            "model": request.model,
            "id": self._id("msg"),
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": said}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": 1 + asked // CHARS_PER_TOKEN,
                "output_tokens": 1 + len(said) // CHARS_PER_TOKEN,
            },
        }

    def _id(self, kind: str) -> str:
        self._requests += 1
        return f"{kind}_{self._requests:024d}"
