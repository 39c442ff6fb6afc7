"""Who asks: a bearer token looked up in KV, the same for every invocation."""

from __future__ import annotations

import re

from bench.path import wire
from bench.path.bindings import kv
from bench.path.env import Env
from bench.path.errors import Malformed, refusal
from bench.path.http import Request, Response
from bench.path.state import Session, State

# RFC 6750 characters; the limit keeps the KV key under its 512 bytes.
_BEARER = re.compile(r"bearer ([A-Za-z0-9\-._~+/]{1,256}=*)", re.IGNORECASE)


def admit(state: State, env: Env) -> Response | None:
    """Set the session of ``state``; the answer 401 where there is none."""
    session = authenticate(state.request, env)
    if session is None:
        return unauthorized()
    state.session = session
    return None


def authenticate(request: Request, env: Env) -> Session | None:
    """The session of the request's token, or None if it has none that is valid now.

    The KV value under ``session:<token>`` is ``{"tenantId","userId","expiresAt"}``,
    the last in Unix seconds. KV expires keys late, so the time is checked here too.
    """
    token = _BEARER.fullmatch(request.headers.get("authorization", ""))
    if token is None:
        return None
    value = kv.get(env, f"session:{token[1]}")
    if value is None:
        return None
    try:
        session = wire.loads(value)
        if session["expiresAt"] <= env.clock():
            return None
        return Session(_text(session["tenantId"]), _text(session["userId"]))
    except (TypeError, ValueError, LookupError) as error:
        raise Malformed(kv.SERVICE, "session") from error


def unauthorized() -> Response:
    """The answer to a request without a valid session."""
    return refusal(
        401,
        "unauthorized",
        "a valid session token is required",
        {"www-authenticate": "Bearer"},
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
