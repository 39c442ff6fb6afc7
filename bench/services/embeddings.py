"""``POST /v1/embeddings`` as OpenAI answers it, over hashed n-grams.

The body has the recorded form of 2026: floats compact, every value exactly a float16
in full decimal; base64 (float32, little-endian) indented by two spaces. Limits and
errors: OpenAI API reference, create embeddings.
"""

from __future__ import annotations

import base64
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import orjson

from bench.services._hashing import embed
from bench.services._messages import JSON, Answer, Call, Reply
from bench.services._openai_errors import Guarded, openai_error
from bench.services._service import Base

HOST = "api.openai.com"
PREFIX = "/v1/embeddings"  # the same host serves the models of openai.py

MODELS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
MAX_INPUTS = 2048
MAX_TOKENS = 8192
CHARS_PER_TOKEN = 4


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``api_key``: the only key accepted; None accepts any."""

    api_key: str | None = None


class Request(msgspec.Struct):
    """Body of a request."""

    model: str
    input: str | list[str]
    dimensions: int | None = None
    encoding_format: str = "float"


class Service(Guarded, Base):
    """The embeddings endpoint; it keeps nothing, so there is nothing to put."""

    Settings = Settings
    overloads = True

    def handle(self, call: Call) -> Answer:
        """Embed one text or a list of texts."""
        self.admit(call, "POST /v1/embeddings")
        try:
            request = msgspec.json.decode(call.body, type=Request)
        except msgspec.MsgspecError as error:
            return openai_error(400, str(error))
        texts = [request.input] if isinstance(request.input, str) else request.input
        problem = _problem(request, texts)
        if problem is not None:
            return problem
        size = request.dimensions or MODELS[request.model]
        counts = [_tokens(text) for text in texts]
        if request.encoding_format == "base64":
            return _base64_body(request.model, texts, size, sum(counts))
        return _float_body(request.model, texts, size, sum(counts))


def _problem(request: Request, texts: list[str]) -> Reply | None:
    if request.model not in MODELS:
        text = f"The model `{request.model}` does not exist"
        return openai_error(404, text, code="model_not_found")
    if request.encoding_format not in {"float", "base64"}:
        text = "encoding_format must be float or base64"
        return openai_error(400, text, param="encoding_format")
    if not 1 <= len(texts) <= MAX_INPUTS or not all(texts):
        text = f"input must be 1 to {MAX_INPUTS} non-empty strings"
        return openai_error(400, text, param="input")
    if (most := max(_tokens(text) for text in texts)) > MAX_TOKENS:
        text = (
            f"This model's maximum context length is {MAX_TOKENS} tokens, "
            f"however you requested {most} tokens."
        )
        return openai_error(400, text)
    if request.dimensions is not None:
        return _dimensions_problem(request.model, request.dimensions)
    return None


def _dimensions_problem(model: str, asked: int) -> Reply | None:
    if model == "text-embedding-ada-002":
        text = "This model does not support specifying dimensions."
        return openai_error(400, text, param="dimensions")
    if not 1 <= asked <= MODELS[model]:
        text = f"dimensions must be between 1 and {MODELS[model]}, got {asked}"
        return openai_error(400, text, param="dimensions")
    return None


def _tokens(text: str) -> int:
    """A guess: English has about four characters a token."""
    return max(1, len(text) // CHARS_PER_TOKEN)


def halves(text: str, size: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The embedding rounded to float16, as the recorded bodies are."""
    return embed(text, size).astype(np.float16).astype(np.float64)


@lru_cache(maxsize=1024)
def decimals(text: str, size: int) -> str:
    """The embedding as a JSON array without exponents."""
    return f"[{','.join(_decimal(value) for value in halves(text, size).tolist())}]"


def _decimal(value: float) -> str:
    shortest = repr(value)
    plain = format(Decimal(shortest), "f") if "e" in shortest else shortest
    return plain.removesuffix(".0")


def _float_body(model: str, texts: list[str], size: int, tokens: int) -> Reply:
    data = ",".join(
        f'{{"object":"embedding","embedding":{decimals(text, size)},"index":{i}}}'
        for i, text in enumerate(texts)
    )
    body = (
        f'{{"object":"list","data":[{data}],"model":"{model}",'
        f'"usage":{{"prompt_tokens":{tokens},"total_tokens":{tokens}}}}}'
    )
    return Reply(200, JSON, body.encode())


def _base64_body(model: str, texts: list[str], size: int, tokens: int) -> Reply:
    data = [
        {"object": "embedding", "index": i, "embedding": _packed(text, size)}
        for i, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    value = {"object": "list", "data": data, "model": model, "usage": usage}
    body = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Reply(200, JSON, body)


def _packed(text: str, size: int) -> str:
    return base64.b64encode(halves(text, size).astype("<f4").tobytes()).decode()
