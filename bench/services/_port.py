"""One service on one loopback port: HTTP, and the faults that need the socket.

Head and body of an answer leave in one write with TCP_NODELAY set: with two writes
every second call of a kept-alive connection waits 40 ms for a delayed ACK (PLATFORM
facts, section 5).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from bench.services._breakage import break_answer, instead
from bench.services._faults import Fault, make
from bench.services._messages import Answer, Call, Refusal, Reply, Stream
from bench.services._service import Base

BACKLOG = 128


class Port:
    """Serves ``service`` on ``sock``, a bound socket that does not listen yet."""

    def __init__(self, service: Base, sock: socket.socket) -> None:
        self.service = service
        self._sock = sock
        self.number: int = sock.getsockname()[1]
        self._http = server(self.respond)
        self._listener: asyncio.Server | None = None
        self._released = asyncio.Event()
        self.faults: list[Fault] = []
        self.forget_counts()

    def forget_counts(self) -> None:
        """Zero the statistics."""
        self.connections = self.requests = 0
        self.statuses: Counter[str] = Counter()
        self.fired: Counter[str] = Counter()
        self.service.meters.clear()

    async def open(self) -> None:
        """Listen. The port stays the same over any number of closings."""
        if self._listener is None:
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_server(
                self._accept, sock=self._sock, backlog=BACKLOG
            )

    async def close(self) -> None:
        """End all connections and give the port back."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await self._http.shutdown(0)
        self._sock.close()

    async def add_fault(self, kind: str, values: Mapping[str, Any]) -> None:
        """Install a fault. Raises UserError when it makes no sense here."""
        fault = make(self.service, kind, values)
        self.faults.append(fault)
        if fault.closes:
            await self._close_listener()

    async def clear_faults(self) -> None:
        """Back to normal: hanging requests are cut, a closed listener is opened."""
        self.faults = []
        self._released.set()
        self._released = asyncio.Event()
        await self.open()

    def stats(self) -> dict[str, Any]:
        """Counts since the start or the last reset."""
        return {
            "connections": self.connections,
            "requests": self.requests,
            "statuses": dict(self.statuses),
            "faults": dict(self.fired),
            "meters": dict(self.service.meters),
        }

    def _accept(self) -> asyncio.BaseProtocol:
        self.connections += 1
        return self._http()

    async def _close_listener(self, but: web.RequestHandler | None = None) -> None:
        """Refuse connections from now on, and end the open ones except ``but``."""
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        # Bound but not listening: refuses, and keeps the number from other programs.
        self._sock = bound(self.number)
        for connection in self._http.connections:
            if connection is not but and connection.transport is not None:
                connection.transport.close()
        # A transport closes its socket in the loop's next turn. Be done with that
        # before anyone is told, or a client may still use a connection it kept.
        for _ in range(2):
            await asyncio.sleep(0)

    async def respond(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer, or fail as the faults say; a request may come from another port."""
        if self._listener is None and request.transport is not None:
            _abort(request.transport)  # as near to refused as an open connection gets
        self.requests += 1
        firing = [fault for fault in self.faults if fault.decide()]
        fault = firing[0] if firing else None
        if fault is not None:
            self.fired[fault.kind] += 1
            if fault.kind in {"reset", "hang"}:
                return await self._silence(request, fault)
            if fault.kind == "slow":
                await asyncio.sleep(fault.params.delay_ms / 1000)
        answer = await self._answer(request, fault)
        last = any(fault.closes for fault in self.faults)
        if last:
            await self._close_listener(but=request.protocol)
        try:
            if fault is not None and fault.kind == "cut":
                return await _send_part(request, answer, fault.params.fraction)
            return await _send(request, answer, last)
        except ConnectionError:
            return web.Response()  # the client has gone: nobody is to be told

    async def _answer(self, request: web.BaseRequest, fault: Fault | None) -> Answer:
        body = await request.content.read()
        reply = None if fault is None else instead(self.service, fault)
        answer = reply or self._handled(_call(request, body))
        if fault is not None and reply is None:
            answer = break_answer(self.service, fault, answer)
        self.statuses[str(answer.status if isinstance(answer, Reply) else 200)] += 1
        return answer

    def _handled(self, call: Call) -> Answer:
        try:
            return self.service.handle(call)
        except Refusal as refusal:
            return refusal.reply
        except Exception:
            traceback.print_exc()
            return self.service.failure(500, "the stand-in failed; see its stderr")

    async def _silence(
        self, request: web.BaseRequest, fault: Fault
    ) -> web.StreamResponse:
        if fault.kind == "hang":
            await self._released.wait()
        transport = request.transport
        if transport is not None:
            _abort(transport)
        return web.Response()


def server(respond: Callable[[web.BaseRequest], Any]) -> web.Server:
    """HTTP over sockets, with room for the long lines that R2 puts into a header."""
    return web.Server(
        respond,
        handler_cancellation=True,
        access_log=None,
        max_field_size=65_536,
        max_line_size=65_536,
    )


def bound(port: int) -> socket.socket:
    """A socket bound to ``port`` of 127.0.0.1, and to no other address.

    Raises OSError when the port is taken or not allowed.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind(("127.0.0.1", port))
    except OSError:
        sock.close()
        raise
    return sock


def _call(request: web.BaseRequest, body: bytes) -> Call:
    path, _, query = request.raw_path.partition("?")
    pairs = dict(parse_qsl(query, keep_blank_values=True))
    return Call(request.method, path, pairs, request.headers, body)


def _abort(transport: asyncio.Transport) -> None:
    """Close with RST instead of FIN."""
    sock = transport.get_extra_info("socket")
    # The peer may be gone already; then there is nothing left to reset.
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _send(
    request: web.BaseRequest, answer: Answer, last: bool
) -> web.StreamResponse:
    if isinstance(answer, Reply):
        reply = web.Response(
            status=answer.status, headers=answer.headers, body=answer.body
        )
        if last:
            reply.force_close()
        return reply
    response = web.StreamResponse(headers=answer.headers)
    response.enable_chunked_encoding()
    if last:
        response.force_close()
    await response.prepare(request)
    await _write(response, answer, answer.split(answer.body))
    await response.write_eof()
    return response


async def _write(
    response: web.StreamResponse, stream: Stream, chunks: list[bytes]
) -> None:
    for number, chunk in enumerate(chunks):
        if number and stream.delay_s:
            await asyncio.sleep(stream.delay_s)
        await response.write(chunk)


async def _send_part(
    request: web.BaseRequest, answer: Answer, fraction: float
) -> web.StreamResponse:
    """Send the head and ``fraction`` of the body, then end the connection.

    FIN and not RST: a reset may discard bytes that the client has not read yet, and
    the same seed must give the same bytes.
    """
    kept = answer.body[: int(len(answer.body) * fraction)]
    if isinstance(answer, Reply):
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_length = len(answer.body)
        await response.prepare(request)
        await response.write(kept)
    else:
        response = web.StreamResponse(headers=answer.headers)
        response.enable_chunked_encoding()
        await response.prepare(request)
        await _write(response, answer, answer.split(kept))
    if request.transport is not None:
        request.transport.close()
    return response
