"""A service that says what a test wants it to say, to both halves alike."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Status, headers, and the body: bytes, or a value that becomes JSON.
Said = tuple[int, dict[str, str], Any]


class StandIn:
    """Answers every request with ``script(path, body)`` and keeps what was asked."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.url = f"http://{address[0]}:{address[1]}"
        self.script: Callable[[str, bytes], Said] = lambda path, body: (404, {}, b"")
        self.asked: list[tuple[str, bytes]] = []

    def answer(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """What is said to one request."""
        self.asked.append((path, body))
        status, headers, said = self.script(path, body)
        raw = said if isinstance(said, bytes) else json.dumps(said).encode()
        length = {"content-type": "application/json", "content-length": str(len(raw))}
        return status, length | headers, raw

    def heard(self) -> list[tuple[str, bytes]]:
        """What was asked since the last time."""
        asked, self.asked = self.asked, []
        return asked


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """A running one."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.stand_in = StandIn(server.server_address)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.stand_in  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """HTTP around a StandIn."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one write

    def _respond(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(size)
        stand_in: StandIn = self.server.stand_in  # type: ignore[attr-defined]
        status, headers, raw = stand_in.answer(self.path, body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PUT = _respond  # noqa: N815 - names that http.server calls

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
