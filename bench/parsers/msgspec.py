"""msgspec without types: a parser in C that makes dicts and lists."""

from __future__ import annotations

import msgspec

from bench.parsers._objects import from_loads, version_of

RUNTIME = "cpython"
NOTE = "msgspec.json.Decoder without a type, made once"

version = version_of("msgspec")
reader = from_loads(msgspec.json.Decoder().decode)
