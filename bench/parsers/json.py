"""The parser of the standard library: the reference of the comparison."""

from __future__ import annotations

import json
import platform

from bench.parsers._objects import from_loads

RUNTIME = "cpython"
NOTE = "json.loads of the standard library, its scanner in C"

reader = from_loads(json.loads)


def version() -> str:
    """The version of this Python, which it is a part of."""
    return platform.python_version()
