"""Leave the embedding to the queue, and answer."""

from __future__ import annotations

from bench.path import wire
from bench.path.bindings import queue
from bench.path.env import Env
from bench.path.http import Response, json_response
from bench.path.ingest import State

ORDER = 50


def run(state: State, env: Env) -> Response | None:
    """Set ``messages`` and ``answer``.

    A message is ``{"transcriptId","tenantId","key","from","to"}``: the R2 key of a
    part, and which chunks of the transcript it holds (``to`` is one past the last).
    """
    state.messages = [
        {
            "transcriptId": state.transcript,
            "tenantId": state.session.tenant,
            "key": key,
            "from": first,
            "to": end,
        }
        for key, first, end in state.parts
    ]
    queue.send_batch(env, [wire.dumps(message) for message in state.messages])
    state.answer = json_response(
        202,
        {
            "transcriptId": state.transcript,
            "chunks": len(state.chunks),
            "messages": len(state.messages),
        },
    )
    return None
