"""What can go wrong upstream, and the one answer that a user gets for it.

    UpstreamError
    ├── Refused      nothing accepts connections
    ├── Reset        the connection broke before the reply was whole
    ├── Short        a stream ended in order, but without its end mark
    ├── TimedOut     no reply, or not all of it, in time
    ├── BadStatus    the service answered with a status that is not a success
    ├── Rejected     the service answered, and says that it failed
    └── Malformed    the reply is not what the protocol promises

``ANSWERS`` is the only place where these become status codes. The messages name the
service and nothing that came from it, so no key, token or query can leak through them.

The runtime of Workers tells a connection that was refused, reset or cut off with one
and the same error, so users get the same answer for each; logs may tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping

from bench.errors import BenchError
from bench.path.http import Reply, Response, StreamReply, json_response

# ruff: noqa: N818 - the names say what happened, their root that it is an error

_RETRY_AFTER_LIMIT = 64  # characters; an HTTP date has 29


class UpstreamError(BenchError):
    """A call to ``service`` failed; ``detail`` is for logs and never for users."""

    def __init__(self, service: str, detail: str = "") -> None:
        self.service = service
        self.detail = detail
        super().__init__(f"{service}: {type(self).__name__} {detail}".rstrip())

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.service, self.detail)


class Refused(UpstreamError):
    """Nothing accepts connections at the address of the service."""


class Reset(UpstreamError):
    """The connection broke before the reply was whole."""


class Short(UpstreamError):
    """A stream ended in order, but without its end mark."""


class TimedOut(UpstreamError):
    """The reply did not come, or did not end, in time."""


class Rejected(UpstreamError):
    """The protocol worked; the service says that the operation failed."""


class Malformed(UpstreamError):
    """The reply is not what the protocol promises."""


class BadStatus(UpstreamError):
    """The service answered with ``status``; ``retry_after`` is its header, if any."""

    def __init__(self, service: str, status: int, retry_after: str = "") -> None:
        self.status = status
        self.retry_after = retry_after
        super().__init__(service, f"status {status}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.service, self.status, self.retry_after)


def bad_status(service: str, reply: Reply | StreamReply) -> BadStatus:
    """The error for a ``reply`` to a plain ``fetch`` whose status is not a success.

    Workers bindings do not tell the headers: theirs is ``BadStatus`` by itself.
    """
    return BadStatus(service, reply.status, reply.headers.get("retry-after", ""))


_LOST = (502, "upstream_reset", "{service} broke the connection")

# error -> (status, type, message); a 429 of the upstream is passed on as 429.
ANSWERS: dict[type[UpstreamError], tuple[int, str, str]] = {
    Refused: _LOST,
    Reset: _LOST,
    Short: (502, "upstream_short", "{service} ended its reply early"),
    TimedOut: (504, "upstream_timeout", "{service} did not answer in time"),
    BadStatus: (502, "upstream_error", "{service} answered with an error"),
    Rejected: (502, "upstream_error", "{service} answered with an error"),
    Malformed: (502, "upstream_malformed", "{service} sent a reply of the wrong form"),
}


def explain(error: UpstreamError) -> tuple[int, str, str]:
    """Status, type and message of the answer to ``error``."""
    if isinstance(error, BadStatus) and error.status == 429:
        return 429, "upstream_rate_limited", f"{error.service} is rate limited"
    status, kind, message = ANSWERS[type(error)]
    return status, kind, message.format(service=error.service)


def answer(error: UpstreamError) -> Response:
    """The answer to ``error``; a 429 takes the upstream's ``retry-after`` along."""
    status, kind, message = explain(error)
    headers = {}
    if status == 429 and isinstance(error, BadStatus):
        headers["retry-after"] = _retry_after(error.retry_after)
    return refusal(status, kind, message, headers)


def refusal(
    status: int, kind: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """``{"error":{"type":...,"message":...}}`` with ``status``."""
    return json_response(status, {"error": {"type": kind, "message": message}}, headers)


def _retry_after(value: str) -> str:
    """Seconds or a date as the upstream gave it; one second where it gave none."""
    if value and value.isprintable() and len(value) <= _RETRY_AFTER_LIMIT:
        return value
    return "1"
