"""Workers AI over HTTP, as the binding in workerd speaks it: embeddings and text.

Follows workerd's ai-api.ts (2026-08): the model is in a header, the inputs in the
body, and a JSON answer is handed to the Worker as it is.

No meter is charged: how many neurons a request takes depends on the model and is not
known here. Requests are counted as everywhere.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import orjson

from bench.services._hashing import embed
from bench.services._messages import Answer, Call, Reply, json_reply, not_found
from bench.services._replay import Replaying, padded, summary, texts_of

HOST = "workers-binding.ai"
MODEL = "cf-consn-model-id"

EMBEDDINGS = {
    "@cf/baai/bge-small-en-v1.5": 384,
    "@cf/baai/bge-base-en-v1.5": 768,
    "@cf/baai/bge-large-en-v1.5": 1024,
    "@cf/baai/bge-m3": 1024,
}
MAX_TEXTS = 100
ROUTES = frozenset({"POST /run", "POST /ai-gateway/run"})


class Inputs(msgspec.Struct):
    """Inputs of the two kinds of model."""

    text: str | list[str] | None = None
    prompt: str | None = None
    messages: list[dict[str, Any]] | None = None
    stream: bool = False


class Request(msgspec.Struct):
    """Body of a request."""

    inputs: Inputs


class Service(Replaying):
    """All models: those in EMBEDDINGS embed, any other ``@cf/`` model writes."""

    giant_after = b'"response"'

    def default_stream(self) -> bytes:
        """A short answer with characters of two, three and four bytes."""
        words = [
            "The",
            " café",
            " opens",
            " at",
            " 9",
            " -",
            " bring",
            " ☕",
            " 🙂",
            ".",
        ]
        events = [{"response": word, "p": "abcdefgh"} for word in words]
        lines = [b"data: " + orjson.dumps(event) + b"\n\n" for event in events]
        return b"".join([*lines, b"data: [DONE]\n\n"])

    def handle(self, call: Call) -> Answer:
        """Run the model that the header names."""
        if call.route not in ROUTES:
            return not_found(call)
        model = call.headers.get(MODEL, "")
        try:
            inputs = msgspec.json.decode(call.body, type=Request).inputs
        except msgspec.MsgspecError as error:
            return self._error(400, 8001, f"Invalid input: {error}")
        self.remember(orjson.loads(call.body))
        if model in EMBEDDINGS:
            return self._embed(inputs, EMBEDDINGS[model])
        if not model.startswith("@cf/"):
            return self._error(400, 5007, f"No such model {model} or task")
        return self._generate(inputs)

    def failure(self, status: int, message: str) -> Reply:
        """An error as the binding parses it."""
        return self._error(status, 3036 if status == 429 else 3043, message)

    def overloaded(self) -> Reply:
        """Workers AI answers 429 when there is no capacity (code 3040)."""
        text = "Capacity temporarily exceeded, please try again."
        return self._error(429, 3040, text)

    def stream_error(self) -> bytes:
        """The stream's last event when capacity ends."""
        text = "Capacity temporarily exceeded, please try again."
        return b"data: " + orjson.dumps({"error": text}) + b"\n\n"

    def giant_event(self, size: int) -> bytes:
        """One very long token."""
        return padded({"response": ""}, ["response"], size) + b"\n\n"

    def _embed(self, inputs: Inputs, size: int) -> Reply:
        texts = [inputs.text] if isinstance(inputs.text, str) else inputs.text or []
        if not 1 <= len(texts) <= MAX_TEXTS:
            return self._error(400, 8001, f"Invalid input: text needs 1 to {MAX_TEXTS}")
        data = [embed(text, size).astype(np.float32) for text in texts]
        answer = {"shape": [len(data), size], "data": data, "pooling": "mean"}
        return json_reply(answer)

    def _generate(self, inputs: Inputs) -> Answer:
        messages = inputs.messages or [{"content": inputs.prompt or ""}]
        texts = texts_of(messages)
        if not any(texts):
            return self._error(400, 8001, "Invalid input: no prompt and no messages")
        if inputs.stream:
            return self.replayed({})
        said = summary(texts)
        usage = {
            "prompt_tokens": sum(len(text) for text in texts) // 4,
            "completion_tokens": len(said) // 4,
        }
        return json_reply({"response": said, "usage": usage})

    def _error(self, status: int, code: int, message: str) -> Reply:
        error = {
            "internalCode": code,
            "name": "AiError",
            "message": message,
            "description": message,
        }
        return json_reply(error, status)
