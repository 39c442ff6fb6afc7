"""An image on its way to a provider of multimodal inference, and another one back."""

from __future__ import annotations

from random import Random

from bench.path.http import Request
from bench.workloads import Replay
from bench.workloads._media import KIND
from bench.workloads._scene import Scene

TITLE = "Image generation / multimodal inference"
ARTICLE = {"native": "No", "external": "Replicate / Modal"}
ORDER = 90
ROUTES = ("native", "base64")
NOTE = "an image passed through; native streams it, base64 puts it into JSON"
BYTES = (1_000_000, 4_000_000)
_HEAD = b"\x89PNG\r\n\x1a\n"


def requests(scene: Scene, route: str) -> list[Replay]:
    """An image for each of `BYTES`, which must come back as it went."""
    way = "base64" if route == "base64" else "stream"
    headers = dict(scene.headers) | {"content-type": KIND}
    found = []
    for size in BYTES:
        image = _HEAD + Random(scene.seed).randbytes(size - len(_HEAD))
        asked = Request("POST", f"/media?as={way}", headers, image)
        found.append(Replay(f"{size / 1e6:g} MB", asked, (200, image)))
    return found
