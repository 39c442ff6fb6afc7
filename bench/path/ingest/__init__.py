"""A transcript comes in: it is stored, cut into chunks, and queued for embedding.

``POST /transcripts/<id>`` with ``authorization: Bearer <token>``, a JSON content type
and a Deepgram response as the body. Answer: 202 and
``{"transcriptId","chunks","messages"}``, the last two as numbers. The vectors are made
by the queue's consumer, which has a CPU budget of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from bench.path.state import State as Base


class Turn(NamedTuple):
    """What one speaker said without a break; ``speaker`` is None if nobody knows."""

    text: str
    speaker: int | None
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A text to embed; ``speaker`` is the one who begins it."""

    id: str
    text: str
    speaker: int | None
    start_ms: int
    end_ms: int


class State(Base):
    """What the stages of an ingestion hand on, with the stage that sets it."""

    transcript: str  # receive: the id in the path
    turns: list[Turn]  # parse_transcript
    chunks: list[Chunk]  # chunk
    parts: list[tuple[str, int, int]]  # store: (R2 key, first chunk, one past the last)
    messages: list[dict[str, Any]]  # enqueue
