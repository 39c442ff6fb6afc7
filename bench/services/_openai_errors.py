"""What the OpenAI endpoints share: the key check and the recorded error shape."""

from __future__ import annotations

from typing import Any

import orjson

from bench.services._messages import JSON, Call, Refusal, Reply


def openai_error(
    status: int,
    message: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
) -> Reply:
    """An error body as recorded: indented, with message, type, param and code."""
    error = {"message": message, "type": kind, "param": param, "code": code}
    body = orjson.dumps({"error": error}, option=orjson.OPT_INDENT_2)
    return Reply(status, JSON, body)


class Guarded:
    """Route and bearer token; mixed into a service whose settings have ``api_key``."""

    settings: Any

    def admit(self, call: Call, route: str) -> None:
        """Raise Refusal with 404 or 401 unless the call is for ``route`` with a key."""
        if call.route != route:
            text = f"Invalid URL ({call.method} {call.path})"
            raise Refusal(openai_error(404, text))
        scheme, _, key = call.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            text = "You didn't provide an API key."
            raise Refusal(openai_error(401, text))
        if self.settings.api_key not in {None, key}:
            text = "Incorrect API key provided."
            raise Refusal(openai_error(401, text, code="invalid_api_key"))

    def failure(self, status: int, message: str) -> Reply:
        """429 and 5xx in the same shape."""
        if status == 429:
            return openai_error(
                429, message, kind="requests", code="rate_limit_exceeded"
            )
        return openai_error(status, message, kind="server_error")

    def overloaded(self) -> Reply:
        """503 with OpenAI's documented words."""
        text = "The engine is currently overloaded, please try again later"
        return openai_error(503, text, kind="server_error")
