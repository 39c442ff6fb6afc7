"""simdjson, a C++ parser with SIMD, as pysimdjson binds it: everything as objects."""

from __future__ import annotations

from typing import Any

import simdjson

from bench.parsers._objects import from_loads, version_of

RUNTIME = "cpython"
NOTE = "simdjson.Parser, one for all bodies, all of it as dicts and lists"

version = version_of("pysimdjson")
_parser = simdjson.Parser()


def _loads(body: bytes) -> Any:
    return _parser.parse(body, True)


reader = from_loads(_loads)
