"""A chat request in a long conversation, all of which is read and sent to the model.

What grows with volume on D1 is not a request's CPU: a database answers one query at a
time and ends at 10 GB. What grows with a conversation is, and is measured here.
"""

from __future__ import annotations

import json

from bench.fixtures import conversation
from bench.workloads import Replay, conversation_small
from bench.workloads._scene import Scene

TITLE = "Conversational AI, high-volume"
ARTICLE = {"native": "No", "external": "Postgres"}
ORDER = 50
ROUTES = ("native", "external")
ENGINES = ("postgres",)
NOTE = "a chat request with all of a long conversation from D1, none of it summarised"
TOKENS = (10_000, 32_000, 100_000)

# The article gives no number for "high-volume": ten times the row above.
NEEDS = {"d1.database": 10 * conversation_small.NEEDS["d1.database"]}


def requests(scene: Scene, _: str) -> list[Replay]:
    """The same question in conversations of several lengths in tokens."""
    found = []
    for tokens in TOKENS:
        made = json.loads(conversation.generate(scene.seed, tokens=tokens))
        made["id"] = f"long-{tokens}"
        asked = scene.ask("/chat", scene.remember(made))
        found.append(scene.replay(f"{tokens:,} tokens", "chat", asked))
    return found
