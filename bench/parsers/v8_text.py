"""The text first, then ``JSON.parse``."""

from __future__ import annotations

from bench.parsers._v8 import picked
from bench.parsers._workerd import version

__all__ = ["NOTE", "RUNTIME", "reader", "version"]

RUNTIME = "workerd"
NOTE = (
    "JSON.parse(await new Response(body).text()): UTF-8 decoding, where invalid bytes "
    "become U+FFFD, and V8's parser; integers are doubles"
)

reader = picked("JSON.parse(await new Response(body).text())")
