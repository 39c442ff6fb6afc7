"""V8 over arrays of numbers: what the Worker does."""

from __future__ import annotations

from bench.rerankers._workerd import entry, version

__all__ = ["NOTE", "RUNTIME", "ranker", "version"]

RUNTIME = "workerd"
NOTE = "the Worker's loops over arrays of numbers, sums in float64"

ranker = entry("cosine_arrays", lists="lists", fresh="lists", json="json")
