"""Take from the body the four fields that are needed, and no more of the query."""

from __future__ import annotations

import re
from typing import Any

from bench.path import wire
from bench.path.chat import State
from bench.path.env import Env
from bench.path.errors import refusal
from bench.path.http import Response

ORDER = 20

QUERY_CHARS = 2000  # code points; the article's hard cap
BODY_BYTES = 2**20  # a question is small: what is larger is history sent along
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def run(state: State, env: Env) -> Response | None:
    """Set ``query``, ``tenant``, ``conversation`` and ``turn``; 400 for a bad body."""
    body = state.request.body
    if len(body) > BODY_BYTES:
        return refusal(413, "too_large", f"the body is over {BODY_BYTES} bytes")
    try:
        fields = wire.loads(body)
    except ValueError:
        return refusal(400, "bad_request", "the body is not JSON")
    if not isinstance(fields, dict):
        return refusal(400, "bad_request", "the body is not a JSON object")
    query = fields.get("query")
    if not isinstance(query, str):
        return refusal(400, "bad_request", "query: a text is required")
    tenant = fields.get("tenantId", state.session.tenant)
    if not isinstance(tenant, str):
        return refusal(400, "bad_request", "tenantId: not a text")
    for name in ("conversationId", "turnId"):
        if not _is_id(fields.get(name)):
            rule = "1 to 64 letters, digits, _ and - are allowed"
            return refusal(400, "bad_request", f"{name}: {rule}")
    state.query = query[:QUERY_CHARS]
    state.tenant = tenant
    state.conversation = fields.get("conversationId") or env.new_id()
    state.turn = fields.get("turnId") or env.new_id()
    return None


def _is_id(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, str) and _ID.fullmatch(value) is not None
