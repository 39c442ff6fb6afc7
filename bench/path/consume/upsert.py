"""Store the vectors, each with what a chat request needs to know of its chunk.

With ``context="metadata"`` that includes the text; with ``r2`` the text becomes an
object of its own under the chunk's id, and the metadata stays small.
"""

from __future__ import annotations

from typing import Any

from bench.path import wire
from bench.path.bindings import r2, vectorize
from bench.path.chat.assemble import chunk_key
from bench.path.consume import State
from bench.path.env import Env
from bench.path.errors import Malformed
from bench.path.http import Response, json_response

ORDER = 20

WEIGHT = 1  # of a source; what was said in a call counts in full


def run(state: State, env: Env) -> Response | None:
    """Set ``answer``."""
    apart = env.options.context == "r2"
    now = int(env.clock())
    lines = []
    for chunk, vector in zip(state.chunks, state.vectors, strict=True):
        lines.append(line(chunk, vector, now, content=not apart))
        if apart:
            r2.put(env, chunk_key(chunk["id"]), chunk["text"].encode())
    for first in range(0, len(lines), vectorize.UPSERT_LIMIT):
        vectorize.upsert(env, lines[first : first + vectorize.UPSERT_LIMIT])
    state.answer = json_response(
        200, {"upserted": len(lines), "missing": state.missing}
    )
    return None


def line(chunk: dict[str, Any], vector: Any, now: int, *, content: bool) -> bytes:
    """The vector of ``chunk`` as a line of JSON; raises Malformed if it cannot be."""
    about = metadata(chunk, now, content=content)
    try:
        return wire.dumps({"id": chunk["id"], "values": vector, "metadata": about})
    except ValueError as error:
        raise Malformed("embeddings", "vector") from error


def metadata(chunk: dict[str, Any], now: int, *, content: bool) -> dict[str, Any]:
    """What is stored beside the vector of ``chunk`` at ``now`` (Unix seconds)."""
    about = {
        "tenantId": chunk["tenantId"],
        "source": "transcript",
        "title": f"Transcript {chunk['transcriptId']}",
        "createdAt": now,
        "weight": WEIGHT,
        "startMs": chunk.get("startMs", 0),
        "endMs": chunk.get("endMs", 0),
    }
    if content:
        about["content"] = chunk["text"]
    return about
