"""Let in only what the provider signed, lately, for us."""

from __future__ import annotations

import hashlib
import hmac

from bench.path.env import Env
from bench.path.errors import refusal
from bench.path.http import Response
from bench.path.webhook import State

ORDER = 10

TOLERANCE_S = 300  # how old a signature may be, or how far ahead its clock
BODY_BYTES = 127_900  # a message has 128 KB with its own 100 bytes (Queues limits)


def run(state: State, env: Env) -> Response | None:
    """Answer 401 where signature or time is wrong, 413 where the body is too large."""
    request = state.request
    if len(request.body) > BODY_BYTES:
        return refusal(413, "too_large", f"a webhook may have {BODY_BYTES} bytes")
    timestamp = request.headers.get("x-webhook-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return refusal(401, "unauthorized", "the timestamp is absent or no number")
    given = request.headers.get("x-webhook-signature", "").encode()
    expected = signature(env.secrets.webhook_secret, timestamp, request.body)
    if not hmac.compare_digest(expected.encode(), given):
        return refusal(401, "unauthorized", "the signature is wrong")
    if abs(env.clock() - int(timestamp)) > TOLERANCE_S:
        return refusal(401, "unauthorized", "the signature is too old")
    return None


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """``sha256=`` and the hexadecimal HMAC-SHA256 of ``<timestamp>.<body>``."""
    message = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
