"""The values that cross the edges of the path: requests and answers, calls and replies.

They are plain data, so that the path can be driven by a test, a recording, a measured
child process or a real server alike, and none of them has to be imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.path import wire


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a user (or of a queue): header names are lower-case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Response:
    """An answer whose body is drained by the caller, lazily where it is a stream.

    ``after`` is what Workers call ``waitUntil``: work that starts when the body has
    been sent.
    """

    status: int
    headers: dict[str, str]
    body: Iterable[bytes]
    after: list[Callable[[], None]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the path to ``service``, a name of ``Transport``'s endpoints.

    ``path`` is percent-encoded and has the query with it, ``body`` is bytes as sent.
    ``timeout`` is in seconds, for the reply from its head to its last byte.
    """

    service: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    timeout: float


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer of an upstream service; header names are asked in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def nothing() -> None:
    """Close a stream that holds no connection."""


@dataclass(frozen=True, slots=True)
class StreamReply:
    """The head of an upstream answer and its body as the chunks arrive.

    ``close`` gives the connection up; it must be called where ``chunks`` is not read
    to its end.
    """

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    close: Callable[[], None] = nothing


def json_response(
    status: int, value: Any, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer whose body is ``value`` as compact JSON (see ``bench.path.wire``)."""
    return Response(
        status,
        {"content-type": "application/json", **(headers or {})},
        [wire.dumps(value)],
    )


def read(response: Response) -> bytes:
    """The whole body of ``response``; then its ``after`` work is run, in order."""
    body = b"".join(response.body)
    for work in response.after:
        work()
    return body
