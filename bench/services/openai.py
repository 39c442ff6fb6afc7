"""``POST /v1/chat/completions`` as OpenAI answers it: a replayed stream, or a
completion. Errors have the recorded shape."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from bench.services._messages import Answer, Call, json_reply
from bench.services._openai_errors import Guarded, openai_error
from bench.services._replay import Replaying, padded, summary, texts_of

HOST = "api.openai.com"
CHARS_PER_TOKEN = 4


class Request(msgspec.Struct):
    """What a request must have."""

    model: str
    messages: list[dict[str, Any]]
    stream: bool = False


class Service(Guarded, Replaying):
    """The chat completions endpoint."""

    fixture = "openai.sse"
    giant_after = b'"delta":{"content"'

    def clear(self) -> None:
        """Completion ids start again."""
        super().clear()
        self._requests = 0

    def handle(self, call: Call) -> Answer:
        """Answer a completion, streamed if ``stream`` is true."""
        self.admit(call, "POST /v1/chat/completions")
        try:
            request = msgspec.json.decode(call.body, type=Request)
        except msgspec.MsgspecError as error:
            return openai_error(400, str(error))
        if not request.messages:
            text = "Invalid 'messages': empty array."
            return openai_error(400, text, param="messages", code="empty_array")
        self.remember(orjson.loads(call.body))
        self._requests += 1
        headers = {"x-request-id": f"req_{self._requests:032d}"}
        if request.stream:
            return self.replayed(headers)
        return json_reply(self._completion(request), headers=headers)

    def stream_error(self) -> bytes:
        """OpenAI documents no such event; clients know an ``error`` in the data."""
        text = "The server is currently overloaded with other requests."
        error = {"message": text, "type": "server_error", "param": None, "code": None}
        return b"data: " + orjson.dumps({"error": error}) + b"\n\n"

    def giant_event(self, size: int) -> bytes:
        """A content delta."""
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": None}
        event = {
            "id": "chatcmpl-giant",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "gpt-4o-mini",
            "choices": [choice],
        }
        return padded(event, ["choices", 0, "delta", "content"], size) + b"\n\n"

    def _completion(self, request: Request) -> dict[str, Any]:
        texts = texts_of(request.messages)
        said = summary(texts)
        asked = 1 + sum(len(text) for text in texts) // CHARS_PER_TOKEN
        answered = 1 + len(said) // CHARS_PER_TOKEN
        message = {"role": "assistant", "content": said, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {
            "id": f"chatcmpl-{self._requests:024d}",
            "object": "chat.completion",
            "created": 1767225600,  # 2026-01-01, so that the body never changes
            "model": request.model,
            "choices": [{**choice, "logprobs": None}],
            "usage": {
                "prompt_tokens": asked,
                "completion_tokens": answered,
                "total_tokens": asked + answered,
            },
        }
