"""How the path reaches its services: over HTTP, recorded, or from a recording.

A ``Replay`` answers without any I/O, which is how the compute of a stage is told apart
from the cost of the HTTP client, and how the path is tested without a network.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from bench.errors import BenchError
from bench.path.errors import (
    Malformed,
    Refused,
    Reset,
    Short,
    TimedOut,
    UpstreamError,
)
from bench.path.http import Reply, StreamReply


class Transport(Protocol):
    """One call to one service. Both methods raise UpstreamError."""

    def send(
        self,
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,
    ) -> Reply:
        """The whole reply; ``timeout`` seconds for all of it."""

    def stream(
        self,
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,
    ) -> StreamReply:
        """The head of the reply; ``timeout`` seconds for it and for each chunk."""


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

    def send(
        self,
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,
    ) -> Reply:
        deadline = time.monotonic() + timeout
        response = self._open(service, method, path, headers, body, timeout)
        parts = []
        for part in _chunks(service, response):
            parts.append(part)
            # httpx limits each read; a body that drips would never end otherwise.
            if time.monotonic() > deadline:
                response.close()
                raise TimedOut(service, "body")
        return Reply(response.status_code, response.headers, b"".join(parts))

    def stream(
        self,
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,
    ) -> StreamReply:
        response = self._open(service, method, path, headers, body, timeout)
        return StreamReply(
            response.status_code,
            response.headers,
            _chunks(service, response),
            response.close,
        )

    def _open(
        self,
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,
    ) -> httpx.Response:
        request = self._client.build_request(
            method,
            self._endpoints[service] + path,
            headers=headers,
            content=body,
            timeout=timeout,
        )
        try:
            return self._client.send(request, stream=True)
        except httpx.TimeoutException as error:
            raise TimedOut(service, "head") from error
        except httpx.ConnectError as error:
            raise Refused(service) from error
        except httpx.TransportError as error:
            raise Reset(service, type(error).__name__) from error


def _chunks(service: str, response: httpx.Response) -> Iterator[bytes]:
    """Body of ``response`` as it arrives, its failures as UpstreamError."""
    try:
        yield from response.iter_bytes()
    except httpx.TimeoutException as error:
        raise TimedOut(service, "body") from error
    except httpx.RemoteProtocolError as error:
        raise Short(service) from error
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

    service: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int = 0
    reply_headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    error: UpstreamError | None = None


class Recorder:
    """Passes calls on to ``inner`` and keeps them in ``recording``, in order."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.recording: list[Exchange] = []

    def send(
        self,
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,
    ) -> Reply:
        exchange = self._begin(service, method, path, headers, body)
        try:
            reply = self._inner.send(service, method, path, headers, body, timeout)
        except UpstreamError as error:
            exchange.error = error
            raise
        exchange.status = reply.status
        exchange.reply_headers = {k.lower(): v for k, v in reply.headers.items()}
        exchange.chunks.append(reply.body)
        return reply

    def stream(
        self,
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,
    ) -> StreamReply:
        exchange = self._begin(service, method, path, headers, body)
        try:
            reply = self._inner.stream(service, method, path, headers, body, timeout)
        except UpstreamError as error:
            exchange.error = error
            raise
        exchange.status = reply.status
        exchange.reply_headers = {k.lower(): v for k, v in reply.headers.items()}
        chunks = self._kept(exchange, reply.chunks)
        return StreamReply(reply.status, reply.headers, chunks, reply.close)

    def _begin(
        self,
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Exchange:
        exchange = Exchange(service, method, path, dict(headers), body)
        self.recording.append(exchange)
        return exchange

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

    def send(
        self,
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,
    ) -> Reply:
        exchange = self._take(service, method)
        if exchange.error is not None:
            raise exchange.error
        return Reply(exchange.status, exchange.reply_headers, exchange.chunks[0])

    def stream(
        self,
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,
    ) -> StreamReply:
        exchange = self._take(service, method)
        if exchange.status == 0 and exchange.error is not None:
            raise exchange.error
        chunks = _replayed(exchange)
        return StreamReply(exchange.status, exchange.reply_headers, chunks)

    def _take(self, service: str, method: str) -> Exchange:
        if self._next == len(self._recording):
            raise BenchError(f"the recording ended before a call of {service}")
        exchange = self._recording[self._next]
        if (exchange.service, exchange.method) != (service, method):
            raise BenchError(
                f"call {self._next} is {method} {service}, but "
                f"{exchange.method} {exchange.service} was recorded"
            )
        self._next += 1
        return exchange


def _replayed(exchange: Exchange) -> Iterator[bytes]:
    yield from exchange.chunks
    if exchange.error is not None:
        raise exchange.error
