"""An agent that takes several steps, each with all that came before it."""

from __future__ import annotations

from bench.workloads import Replay
from bench.workloads._agents import asked
from bench.workloads._scene import Scene

TITLE = "Multi-step agent (5+ tool calls)"
ARTICLE = {"native": "Marginal", "external": "Fly.io / Railway"}
ORDER = 70
ROUTES = ("native",)
NOTE = "a question to the model after every one of five or eight tool calls"
CALLS = (5, 8)


def requests(scene: Scene, _: str) -> list[Replay]:
    """A request for each of `CALLS`; their sizes are the numbers of tool calls."""
    return [asked(scene, calls) for calls in CALLS]
