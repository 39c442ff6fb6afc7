"""OpenAI embeddings: texts to vectors, as number text or as base64 of float32."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from math import isfinite
from typing import Any

from bench.path import wire
from bench.path.env import DIMENSIONS, Env
from bench.path.errors import Malformed, bad_status
from bench.path.http import Call

SERVICE = "embeddings"
MODEL = "text-embedding-3-small"
_FLOATS = struct.Struct(f"<{DIMENSIONS}f")


def embed(env: Env, texts: str | Sequence[str]) -> list[Sequence[float]]:
    """One vector of ``DIMENSIONS`` floats for each text, in their order."""
    question = {
        "model": MODEL,
        "input": texts,
        "dimensions": DIMENSIONS,
        "encoding_format": env.options.embedding,
    }
    call = Call(
        SERVICE,
        "POST",
        "/v1/embeddings",
        {
            "authorization": f"Bearer {env.secrets.openai_api_key}",
            "content-type": "application/json",
        },
        wire.dumps(question),
        env.options.timeout_s,
    )
    reply = env.transport.send(call)
    if reply.status != 200:
        raise bad_status(SERVICE, reply)
    expected = 1 if isinstance(texts, str) else len(texts)
    try:
        items = wire.loads(reply.body)["data"]
        vectors = [_vector(item["embedding"]) for item in items]
    except (TypeError, ValueError, LookupError, OverflowError, struct.error) as error:
        raise Malformed(SERVICE, "body") from error
    if len(vectors) != expected:
        raise Malformed(SERVICE, f"{len(vectors)} vectors for {expected} texts")
    return vectors


def _vector(embedding: Any) -> Sequence[float]:
    values: Sequence[float] = embedding
    if isinstance(embedding, str):
        values = _FLOATS.unpack(base64.b64decode(embedding, validate=True))
    elif not isinstance(embedding, list) or len(embedding) != DIMENSIONS:
        raise TypeError(f"not {DIMENSIONS} numbers")
    # JSON has 1e999 and base64 has NaN; Vectorize has neither.
    if not all(map(isfinite, values)):
        raise ValueError("not finite")
    return values
