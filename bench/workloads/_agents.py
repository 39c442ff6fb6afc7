"""What the two agents share: a question that takes a known number of tool calls."""

from __future__ import annotations

from bench.errors import BenchError
from bench.path import wire
from bench.path.http import Request
from bench.workloads import Replay
from bench.workloads._model import question
from bench.workloads._scene import Scene

_RECORD = "shipped on 2026-09-01, paid by card, 3 items, one of them returned"


def asked(scene: Scene, calls: int) -> Replay:
    """An agent's request; its size is ``calls``. Raises BenchError for other calls."""
    scene.services.put("kv", {f"record:{scene.tenant}:order-1": _RECORD})
    body = wire.dumps({"query": question(calls)})
    request = Request("POST", "/agent", scene.headers, body)
    label = f"{calls} call" if calls == 1 else f"{calls} calls"
    replay = scene.replay(label, "agent", request)
    told = wire.loads(replay.answer[1])
    made = [call for call in told["calls"] if call["kind"] == "tool"]
    if len(made) != calls or not all(call["ok"] for call in made):
        raise BenchError(f"the agent made the calls {made}, not {calls} good ones")
    return replay
