"""A large document that is parsed whole and cut into chunks before anything else.

The bodies are transcripts; what a text recognition answers is alike, an object with
numbers for each word.
"""

from __future__ import annotations

from dataclasses import replace

from bench.fixtures import deepgram
from bench.workloads import Replay
from bench.workloads._scene import Scene

TITLE = "Document processing (OCR, heavy parsing)"
ARTICLE = {"native": "No", "external": "Lambda / Cloud Run"}
ORDER = 80
ROUTES = ("native",)
NOTE = "a body of JSON parsed, chunked, stored in R2 and queued, at several sizes"
BYTES = (100_000, 1_000_000, 4_000_000)


def requests(scene: Scene, _: str) -> list[Replay]:
    """An ingestion for each of `BYTES`."""
    found = []
    for wanted in BYTES:
        body = deepgram.generate(scene.seed, size=wanted)
        request = scene.world.requests["ingest"]
        asked = replace(request, path=f"/transcripts/doc-{wanted}", body=body)
        found.append(scene.replay(f"{wanted / 1e6:g} MB", "ingest", asked))
    return found
