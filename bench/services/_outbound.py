"""One port for whatever host a URL names: where a Worker's plain ``fetch`` leads.

workerd sends every ``fetch`` of a Worker to one address and keeps the Host header. A
request is handed to the service that has this host, and the longest matching prefix of
the path where several have it, as if it had come in there: its faults break this
connection as they break the service's own.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping

from aiohttp import web

from bench.services._port import BACKLOG, Port, server


class Outbound:
    """Serves ``ports`` by (host, prefix of the path) on ``sock``."""

    def __init__(
        self, ports: Mapping[tuple[str, str], Port], sock: socket.socket
    ) -> None:
        self._ports = ports
        self._sock = sock
        self.number: int = sock.getsockname()[1]
        self._http = server(self._respond)

    async def open(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        await loop.create_server(self._http, sock=self._sock, backlog=BACKLOG)

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        host = request.headers.get("Host", "").partition(":")[0]
        fitting = [
            (len(prefix), port)
            for (name, prefix), port in self._ports.items()
            if name == host and request.raw_path.startswith(prefix)
        ]
        if not fitting:
            return web.json_response({"error": f"no service is {host}"}, status=404)
        return await max(fitting, key=lambda item: item[0])[1].respond(request)
