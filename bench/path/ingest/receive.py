"""Take a transcript from someone who has a session, if it is one by its outside."""

from __future__ import annotations

import re

from bench.path.env import Env
from bench.path.errors import refusal
from bench.path.http import Response
from bench.path.ingest import State
from bench.path.session import authenticate, unauthorized

ORDER = 10

_PATH = re.compile(r"/transcripts/([A-Za-z0-9_-]{1,64})")
# A vector's id is <tenant>:<transcript>:<number>, in at most 64 bytes.
_ID_BYTES = 64 - len("::000000")


def run(state: State, env: Env) -> Response | None:
    """Set ``session`` and ``transcript``; 401, 404, 405, 413, 415 or 400."""
    request = state.request
    session = authenticate(request, env)
    if session is None:
        return unauthorized()
    if request.method != "POST":
        message = "send the transcript with POST"
        return refusal(405, "method_not_allowed", message, {"allow": "POST"})
    path = _PATH.fullmatch(request.path)
    if path is None:
        return refusal(404, "not_found", "the path is /transcripts/<id>")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return refusal(415, "unsupported_media_type", "send application/json")
    limit = env.options.max_transcript_bytes
    if len(request.body) > limit:
        return refusal(413, "too_large", f"a transcript may have {limit} bytes")
    if len(session.tenant.encode()) + len(path[1]) > _ID_BYTES:
        return refusal(400, "bad_request", "the transcript's id is too long")
    state.session = session
    state.transcript = path[1]
    return None
