"""ujson: an older fast parser that many services still use."""

from __future__ import annotations

import ujson

from bench.parsers._objects import from_loads, version_of

RUNTIME = "cpython"
NOTE = "ujson.loads; takes NaN, leading zeros and raw control characters"

version = version_of("ujson")
reader = from_loads(ujson.loads)
