"""A batch of queue messages: embed the chunks that they name and make them findable.

A queue consumer has no HTTP request; here its batch comes as a JSON list of the
messages of ``ingest/enqueue`` (at most 100, 10 by default). The answer stands for the
outcome: 200 and ``{"upserted":<chunks>,"missing":<messages>}`` acknowledges the batch,
anything else makes the queue deliver it again.
"""

from __future__ import annotations

from typing import Any

from bench.path.state import State as Base


class State(Base):
    """What the stages of a consumer hand on, with the stage that sets it."""

    chunks: list[dict[str, Any]]  # embed_chunks: the lines of store, with "tenantId",
    #                               "transcriptId" of their message
    vectors: list[Any]  # embed_chunks: 1,536 floats for each chunk
    missing: int  # embed_chunks: messages whose object is gone
