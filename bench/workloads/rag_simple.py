"""A chat request about documents in an index of its own, filtered by the tenant."""

from __future__ import annotations

from bench.workloads import Replay
from bench.workloads._scene import Scene

TITLE = "RAG, < 2M vectors, simple filters"
ARTICLE = {"native": "Yes (Vectorize)", "external": "n/a"}
ORDER = 20
ROUTES = ("native",)
NOTE = "a chat request without a past: embed, query by tenant, assemble, stream"

NEEDS = {"vectorize.vectors": 2_000_000}  # the article's own bound of the row


def requests(scene: Scene, _: str) -> list[Replay]:
    """One question; its size is the number of matches."""
    asked = scene.ask("/chat", "rag-simple")
    size = f"{scene.world.options.top_k} matches"
    return [scene.replay(size, "chat", asked)]
