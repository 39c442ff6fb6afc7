"""How the path reaches its services: over HTTP, recorded, or from a recording.

A ``Replay`` answers without any I/O, which is how the compute of a stage is told apart
from the cost of the HTTP client, and how the path is tested without a network.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import httpx

from bench.errors import BenchError
from bench.path.errors import (
    Malformed,
    Refused,
    Reset,
    TimedOut,
    UpstreamError,
)
from bench.path.http import Call, Reply, StreamReply

_Answer = TypeVar("_Answer", Reply, StreamReply)


class Transport(Protocol):
    """One call to one service. Both methods raise UpstreamError."""

    def send(self, call: Call) -> Reply:
        """The whole reply, within the timeout."""

    def stream(self, call: Call) -> StreamReply:
        """The head of the reply; its body comes while ``chunks`` is read."""


class HttpTransport:
    """Calls the services at ``endpoints`` (name -> base URL), keeping connections.

    Proxies of the environment are ignored: the services are on loopback. There
    nothing is encrypted, and certificates, a third of the start-up, are not loaded.
    """

    def __init__(self, endpoints: Mapping[str, str]) -> None:
        self._endpoints = dict(endpoints)
        encrypted = any(url.startswith("https:") for url in endpoints.values())
        self._client = httpx.Client(trust_env=False, verify=encrypted)

    def __enter__(self) -> HttpTransport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def send(self, call: Call) -> Reply:
        reply = self.stream(call)
        return Reply(reply.status, reply.headers, b"".join(reply.chunks))

    def stream(self, call: Call) -> StreamReply:
        deadline = time.monotonic() + call.timeout
        response = self._open(call)
        return StreamReply(
            response.status_code,
            response.headers,
            _chunks(call.service, response, deadline),
            response.close,
        )

    def _open(self, call: Call) -> httpx.Response:
        request = self._client.build_request(
            call.method,
            self._endpoints[call.service] + call.path,
            headers=call.headers,
            content=call.body,
            timeout=call.timeout,
        )
        try:
            return self._client.send(request, stream=True)
        except httpx.TimeoutException as error:
            raise TimedOut(call.service, "head") from error
        except httpx.ConnectError as error:
            raise Refused(call.service) from error
        except httpx.TransportError as error:
            raise Reset(call.service, type(error).__name__) from error


def _chunks(service: str, response: httpx.Response, deadline: float) -> Iterator[bytes]:
    """Body of ``response`` as it arrives, its failures as UpstreamError."""
    try:
        for chunk in response.iter_bytes():
            # httpx limits each read; a body that drips would never end otherwise.
            if time.monotonic() > deadline:
                raise TimedOut(service, "body")
            yield chunk
    except httpx.TimeoutException as error:
        raise TimedOut(service, "body") from error
    except httpx.TransportError as error:
        raise Reset(service, type(error).__name__) from error
    except httpx.DecodingError as error:
        raise Malformed(service, "content-encoding") from error
    finally:
        response.close()


@dataclass(slots=True)
class Exchange:
    """One recorded call: what was asked, and the reply or the error that came.

    ``chunks`` has the body as it arrived (one entry for a whole reply), ``error`` what
    ended it, if anything did.
    """

    call: Call
    status: int = 0
    reply_headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    error: UpstreamError | None = None


class Recorder:
    """Passes calls on to ``inner`` and keeps them in ``recording``, in order."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.recording: list[Exchange] = []

    def send(self, call: Call) -> Reply:
        exchange, reply = self._begin(self._inner.send, call)
        exchange.chunks.append(reply.body)
        return reply

    def stream(self, call: Call) -> StreamReply:
        exchange, reply = self._begin(self._inner.stream, call)
        chunks = self._kept(exchange, reply.chunks)
        return StreamReply(reply.status, reply.headers, chunks, reply.close)

    def _begin(
        self, ask: Callable[[Call], _Answer], call: Call
    ) -> tuple[Exchange, _Answer]:
        """The exchange of ``call`` with the head of its reply, and the reply."""
        exchange = Exchange(call)
        self.recording.append(exchange)
        try:
            reply = ask(call)
        except UpstreamError as error:
            exchange.error = error
            raise
        exchange.status = reply.status
        exchange.reply_headers = {k.lower(): v for k, v in reply.headers.items()}
        return exchange, reply

    @staticmethod
    def _kept(exchange: Exchange, chunks: Iterator[bytes]) -> Iterator[bytes]:
        try:
            for chunk in chunks:
                exchange.chunks.append(chunk)
                yield chunk
        except UpstreamError as error:
            exchange.error = error
            raise


class Replay:
    """Answers from ``recording`` in its order, without any I/O.

    Raises BenchError where the path asks something else than what was recorded: its
    numbers would be those of another request.
    """

    def __init__(self, recording: list[Exchange]) -> None:
        self._recording = recording
        self._next = 0

    def rewind(self) -> None:
        """Start again with the first exchange."""
        self._next = 0

    def send(self, call: Call) -> Reply:
        exchange = self._take(call)
        if exchange.error is not None:
            raise exchange.error
        return Reply(exchange.status, exchange.reply_headers, exchange.chunks[0])

    def stream(self, call: Call) -> StreamReply:
        exchange = self._take(call)
        if exchange.status == 0 and exchange.error is not None:
            raise exchange.error
        chunks = _replayed(exchange)
        return StreamReply(exchange.status, exchange.reply_headers, chunks)

    def _take(self, call: Call) -> Exchange:
        if self._next == len(self._recording):
            raise BenchError(f"the recording ended before a call of {call.service}")
        exchange = self._recording[self._next]
        recorded = exchange.call
        if (recorded.service, recorded.method) != (call.service, call.method):
            raise BenchError(
                f"call {self._next} is {call.method} {call.service}, but "
                f"{recorded.method} {recorded.service} was recorded"
            )
        self._next += 1
        return exchange


def _replayed(exchange: Exchange) -> Iterator[bytes]:
    yield from exchange.chunks
    if exchange.error is not None:
        raise exchange.error
