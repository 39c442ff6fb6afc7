"""V8 over one Float32Array."""

from __future__ import annotations

from bench.rerankers._workerd import entry, version

__all__ = ["NOTE", "RUNTIME", "ranker", "version"]

RUNTIME = "workerd"
NOTE = (
    "a loop over one Float32Array, sums in float64; values that came as JSON are "
    "copied into it, and base64 is decoded by Uint8Array.fromBase64"
)

ranker = entry("cosine_float32", json="json", float32="float32", base64="base64")
