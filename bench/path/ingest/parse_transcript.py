"""Decode the transcript: everything, as the article did, or only what is read.

Both give the same turns. ``full`` is ``json.loads`` of the whole body, most of which
are the numbers of the single words. ``fields`` walks over those without making objects
of them, and decodes them only where nothing else holds the text.
"""

from __future__ import annotations

from typing import Any

from bench.path import wire
from bench.path.env import Env
from bench.path.errors import refusal
from bench.path.http import Response
from bench.path.ingest import State
from bench.path.ingest._turns import has_sentences, turns

ORDER = 20


def run(state: State, env: Env) -> Response | None:
    """Set ``turns``; 400 where the body is not JSON or not a transcript."""
    decode = _fields if env.options.parse == "fields" else _full
    try:
        results = decode(state.request.body)
    except (ValueError, RecursionError):
        return refusal(400, "bad_request", "the body is not a JSON transcript")
    try:
        state.turns = turns(results)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        return refusal(400, "bad_request", "the body is not a transcript")
    return None


def _full(body: bytes) -> Any:
    return wire.loads(body)


def _fields(body: bytes) -> Any:
    # Imported here so that the other variant does not pay for it in a cold start.
    from bench.path.ingest import _fields as kinds

    transcript = kinds.decode(body, words=False)
    if has_sentences(transcript):
        return transcript
    return kinds.decode(body, words=True)
