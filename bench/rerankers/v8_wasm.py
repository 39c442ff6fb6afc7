"""WebAssembly SIMD in V8, behind a copy into its memory."""

from __future__ import annotations

from bench.rerankers import _wasm
from bench.rerankers._workerd import entry, version

__all__ = ["NOTE", "RUNTIME", "WASM", "ranker", "version"]

RUNTIME = "workerd"
NOTE = (
    "a WebAssembly kernel of 128-bit SIMD, sums in float32; the values are copied into "
    "its memory each time, or decoded into it"
)
WASM = {_wasm.NAME: _wasm.module()}

ranker = entry("cosine_wasm", float32="float32", base64="base64")
