"""A chat request in a conversation that D1 holds, as long as one stays unsummarised."""

from __future__ import annotations

from bench.workloads import Replay
from bench.workloads._scene import Scene
from bench.world import SHORT_TOKENS

TITLE = "Conversational AI, < 100k sessions"
ARTICLE = {"native": "Yes (D1)", "external": "n/a"}
ORDER = 40
ROUTES = ("native",)
NOTE = "a chat request with the newest 6,000 tokens of its conversation from D1"

SESSIONS = 100_000  # the article's own bound of the row
BYTES_PER_TOKEN = 4
NEEDS = {"d1.database": SESSIONS * SHORT_TOKENS * BYTES_PER_TOKEN / 1e9}  # GB


def requests(scene: Scene, _: str) -> list[Replay]:
    """The world's own chat; its size is the most tokens that its history may have."""
    asked = scene.world.requests["chat"]
    return [scene.replay(f"{SHORT_TOKENS:,} tokens", "chat", asked)]
