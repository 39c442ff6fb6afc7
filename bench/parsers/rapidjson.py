"""RapidJSON, a C++ parser, as python-rapidjson binds it."""

from __future__ import annotations

import rapidjson

from bench.parsers._objects import from_loads, version_of

RUNTIME = "cpython"
NOTE = "rapidjson.loads as it comes; takes NaN and what follows a NUL byte"

version = version_of("python-rapidjson")
reader = from_loads(rapidjson.loads)
