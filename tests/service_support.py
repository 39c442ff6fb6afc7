"""What the tests of single services share: a clock that stands, and a way to ask."""

from __future__ import annotations

from collections.abc import Mapping

from multidict import CIMultiDict

from bench.services._messages import Answer, Call, Refusal
from bench.services._service import Base


class Clock:
    """Stands still at ``now`` (Unix seconds) until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def call(
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    **query: str,
) -> Call:
    """A request as the server hands it to a service."""
    return Call(method, path, query, CIMultiDict(headers or {}), body)


def answered(service: Base, asked: Call) -> Answer:
    """What is sent for ``asked``, be it refused or not."""
    try:
        return service.handle(asked)
    except Refusal as refusal:
        return refusal.reply


def ask(
    service: Base,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    **query: str,
) -> Answer:
    """``answered`` for a request of these parts."""
    return answered(service, call(method, path, body, headers, **query))
