"""orjson: a parser in Rust that makes Python objects directly."""

from __future__ import annotations

import orjson

from bench.parsers._objects import from_loads, version_of

RUNTIME = "cpython"
NOTE = "orjson.loads; integers beyond 64 bits become floats"

version = version_of("orjson")
reader = from_loads(orjson.loads)
