"""Where a measurement hooks into the path: around stages, and around waiting.

The path calls a ``Meter`` only when it is given one. Everything between ``io_enter``
and ``io_leave`` is the HTTP client and the kernel, which a Worker does not pay for in
the same way; what remains of a stage is its own compute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from bench.path.http import Call, Reply, StreamReply

if TYPE_CHECKING:
    from bench.path.transport import Transport


class Meter(Protocol):
    """Told when a stage begins and ends, and when the path waits within it.

    Calls nest properly and come from one thread: ``enter``, any number of pairs of
    ``io_enter`` and ``io_leave``, ``leave`` of the same stage. A stage is entered
    several times where it works in steps, as ``stream`` does for each chunk.
    """

    def enter(self, stage: str) -> None:
        """The stage begins or goes on."""

    def leave(self, stage: str) -> None:
        """The stage ends or pauses."""

    def io_enter(self) -> None:
        """A call to a service begins."""

    def io_leave(self) -> None:
        """The call has returned or failed."""


class MeteredTransport:
    """Tells the meter of every call, and of every wait for a chunk of a stream."""

    def __init__(self, inner: Transport, meter: Meter) -> None:
        self._inner = inner
        self._meter = meter

    def send(self, call: Call) -> Reply:
        self._meter.io_enter()
        try:
            return self._inner.send(call)
        finally:
            self._meter.io_leave()

    def stream(self, call: Call) -> StreamReply:
        self._meter.io_enter()
        try:
            reply = self._inner.stream(call)
        finally:
            self._meter.io_leave()
        chunks = self._waited(reply.chunks)
        return StreamReply(reply.status, reply.headers, chunks, reply.close)

    def _waited(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        while True:
            self._meter.io_enter()
            try:
                chunk = next(chunks, None)
            finally:
                self._meter.io_leave()
            if chunk is None:
                return
            yield chunk


def metered_body(body: Iterable[bytes], stage: str, meter: Meter) -> Iterator[bytes]:
    """``body`` with every step charged to ``stage``."""
    chunks = iter(body)
    try:
        while True:
            meter.enter(stage)
            try:
                chunk = next(chunks, None)
            finally:
                meter.leave(stage)
            if chunk is None:
                return
            yield chunk
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
