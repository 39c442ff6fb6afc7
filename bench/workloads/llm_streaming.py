"""A completion that is streamed through the Worker, its events converted or passed on.

The question is checked as in every chat request (session, limits of the body, rate
limit); there is no memory and no retrieval.
"""

from __future__ import annotations

from bench.path import Stage
from bench.path.chat import State
from bench.path.env import Env
from bench.workloads import Replay
from bench.workloads._scene import Scene, planned

TITLE = "LLM inference (streaming)"
ARTICLE = {"native": "Yes", "external": "n/a"}
ORDER = 10
ROUTES = ("native", "pass")
NOTE = "a completion streamed through; native converts its events, pass does not"

_MEMORY = ("load_conversation", "save_turn", "summarize")
_RETRIEVAL = ("embed", "rerank", "assemble")  # and retrieve, in whose place alone is


def requests(scene: Scene, route: str) -> list[Replay]:
    """One question; its size is that of the model's stream."""
    way = "convert" if route == "native" else "pass"
    asked = scene.ask(f"/complete?stream={way}", "completion")
    plan = planned("chat", *_MEMORY, *_RETRIEVAL, retrieve=_ALONE)
    stream: bytes = scene.services.dump("anthropic")["stream"]
    size = f"{stream.count(b'event:')} events"
    return [scene.replay(size, "chat", asked, plan=plan, stream=way)]


def _alone(state: State, _: Env) -> None:
    state.context, state.summary, state.history = "", None, []
    state.bookmark = None


_ALONE = Stage("alone", 70, "request", _alone)
