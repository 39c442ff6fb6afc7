"""What a Worker does first: ``await request.json()``."""

from __future__ import annotations

from bench.parsers._v8 import picked
from bench.parsers._workerd import version

__all__ = ["NOTE", "RUNTIME", "reader", "version"]

RUNTIME = "workerd"
NOTE = (
    "await new Response(body).json(), which is what request.json() does: UTF-8 "
    "decoding, where invalid bytes become U+FFFD, and V8's parser; integers are doubles"
)

reader = picked("await new Response(body).json()")
