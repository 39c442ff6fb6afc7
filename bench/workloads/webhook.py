"""A provider's event: its signature is checked, then it is queued."""

from __future__ import annotations

from bench.path import wire
from bench.path.http import Request
from bench.path.webhook.verify import signature
from bench.workloads import Replay
from bench.workloads._scene import Scene
from bench.world import NOW

TITLE = "Webhook ingestion + async processing"
ARTICLE = {"native": "Yes", "external": "n/a"}
ORDER = 100
ROUTES = ("native",)
NOTE = "an event of 2 KB: HMAC verified, checked to be JSON, sent to a queue"
_BYTES = 2000


def requests(scene: Scene, _: str) -> list[Replay]:
    """One event; its size is that of its body."""
    event = {"type": "transcript.done", "id": "call-7", "text": ""}
    event["text"] = "x" * (_BYTES - len(wire.dumps(event)))
    body = wire.dumps(event)
    at = str(int(NOW))
    headers = {
        "content-type": "application/json",
        "x-webhook-timestamp": at,
        "x-webhook-signature": signature(scene.world.secrets.webhook_secret, at, body),
    }
    asked = Request("POST", "/webhooks", headers, body)
    return [scene.replay(f"{_BYTES / 1000:g} KB", "webhook", asked)]
