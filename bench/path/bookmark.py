"""How a client carries a D1 bookmark from one request to the next.

The head of a chat answer is sent before the turn is written, so its ``x-d1-bookmark``
covers only what was read. The bookmark of the write follows the body as a comment of
the event stream, which clients that do not know it skip.
"""

from __future__ import annotations

from collections.abc import Mapping

HEADER = "x-d1-bookmark"
_COMMENT = b": x-d1-bookmark "


def comment(bookmark: str) -> bytes:
    """The line that ends an event stream with ``bookmark``."""
    return _COMMENT + bookmark.encode() + b"\n\n"


def newest(headers: Mapping[str, str], body: bytes) -> str | None:
    """What the client has to send with its next request, from a whole answer."""
    _, mark, rest = body.rpartition(_COMMENT)
    if mark and rest.endswith(b"\n\n"):
        return rest[:-2].decode()
    return headers.get(HEADER)
