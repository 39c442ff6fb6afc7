"""workerd's inspector: CPU profiles of an isolate, and what its heap holds.

The protocol is Chrome's (tot), over a WebSocket on loopback; workerd implements the
profiler's start and stop itself, one profile an isolate.
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any, Self

from bench.errors import BenchError

ARGUMENT = "--inspector-addr=127.0.0.1:0"
_TIMEOUT_S = 30.0


class Inspector:
    """A session with one isolate. Use it as a context manager."""

    def __init__(self, port: int, isolate: int = 0) -> None:
        """Connect. Raises BenchError when there is no such isolate."""
        import websocket

        url = f"http://127.0.0.1:{port}/json"
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as reply:
            targets = {target["id"]: target for target in json.loads(reply.read())}
        if str(isolate) not in targets:
            raise BenchError(f"the inspector shows {sorted(targets)}, not {isolate}")
        self._socket = websocket.create_connection(
            targets[str(isolate)]["webSocketDebuggerUrl"],
            timeout=_TIMEOUT_S,
            suppress_origin=True,
            http_no_proxy=["127.0.0.1"],
        )
        self._last = 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a command. Raises BenchError when it fails."""
        self._last += 1
        self._socket.send(
            json.dumps({"id": self._last, "method": method, "params": parameters})
        )
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") != self._last:
                continue  # events, which nobody asked for
            if "error" in message:
                raise BenchError(f"inspector: {method}: {message['error']}")
            result: dict[str, Any] = message.get("result") or {}
            return result

    def close(self) -> None:
        """End the session."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
