"""An agent that looks once before it answers."""

from __future__ import annotations

from bench.workloads import Replay
from bench.workloads._agents import asked
from bench.workloads._scene import Scene

TITLE = "Single-step agent (1-2 tool calls)"
ARTICLE = {"native": "Yes", "external": "n/a"}
ORDER = 60
ROUTES = ("native",)
NOTE = "two questions to the model, one search of documents between them"


def requests(scene: Scene, _: str) -> list[Replay]:
    """One request; its size is the number of tool calls."""
    return [asked(scene, 1)]
