"""Put the transcript and its chunks into R2, for the consumer and for reprocessing.

The chunks go into one object for each queue message, as JSON lines, so that a consumer
reads what it works on and nothing else:

    transcripts/<tenant>/<id>.json             the body as it came
    transcripts/<tenant>/<id>/<part>.ndjson    {"id","text","speaker","startMs","endMs"}
"""

from __future__ import annotations

from bench.path import wire
from bench.path.bindings import r2
from bench.path.env import Env
from bench.path.http import Response
from bench.path.ingest import Chunk, State

ORDER = 40


def run(state: State, env: Env) -> Response | None:
    """Set ``parts``."""
    name = f"transcripts/{state.session.tenant}/{state.transcript}"
    r2.put(env, f"{name}.json", state.request.body)
    state.parts = []
    step = env.options.chunks_per_message
    for first in range(0, len(state.chunks), step):
        part = state.chunks[first : first + step]
        key = f"{name}/{len(state.parts)}.ndjson"
        r2.put(env, key, b"\n".join(map(line, part)))
        state.parts.append((key, first, first + len(part)))
    return None


def line(chunk: Chunk) -> bytes:
    """``chunk`` as one line of JSON."""
    return wire.dumps(
        {
            "id": chunk.id,
            "text": chunk.text,
            "speaker": chunk.speaker,
            "startMs": chunk.start_ms,
            "endMs": chunk.end_ms,
        }
    )
