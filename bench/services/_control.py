"""The control port: how tests and benchmarks set state, settings and faults.

One route, ``POST /``, with MessagePack both ways, because values may be bytes:
``[operation, arguments]`` in, ``["ok", value]`` or ``["error", [message, field,
remedy]]`` out.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import msgspec
from aiohttp import web

from bench.errors import UserError
from bench.services._port import Port


class Control:
    """Carries out operations on ``ports`` (one per service)."""

    def __init__(self, ports: dict[str, Port], sock: socket.socket) -> None:
        self._ports = ports
        self._sock = sock
        self.number: int = sock.getsockname()[1]
        self._http = web.Server(self._respond, access_log=None)

    async def open(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        await loop.create_server(self._http, sock=self._sock)

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "POST" or request.raw_path != "/":
            return web.json_response({"error": "no such route"}, status=404)
        operation, arguments = msgspec.msgpack.decode(await request.content.read())
        try:
            value = await getattr(self, f"do_{operation}")(**arguments)
            answer = ["ok", value]
        except UserError as error:
            answer = ["error", [error.message, error.field, error.remedy]]
        return web.Response(body=msgspec.msgpack.encode(answer))

    async def do_put(self, service: str, data: Any) -> None:
        """Seed the state of a service."""
        self._port(service).service.put(data)

    async def do_dump(self, service: str) -> Any:
        """The state of a service."""
        return self._port(service).service.dump()

    async def do_configure(self, service: str, values: dict[str, Any]) -> None:
        """Change settings of a service."""
        self._port(service).service.configure(values)

    async def do_command(
        self, service: str, command: str, arguments: dict[str, Any]
    ) -> Any:
        """Call one of the methods that the service offers beyond these."""
        target = self._port(service).service
        if command not in target.commands:
            offered = [
                n for n, p in self._ports.items() if command in p.service.commands
            ]
            raise UserError(
                f"cannot {command}",
                field=service,
                remedy=f"ask one of: {', '.join(offered)}",
            )
        return getattr(target, command)(**arguments)

    async def do_fault(self, service: str, kind: str, params: dict[str, Any]) -> None:
        """Install a fault."""
        await self._port(service).add_fault(kind, params)

    async def do_clear_faults(self) -> None:
        """Remove all faults."""
        for port in self._ports.values():
            await port.clear_faults()

    async def do_reset(self, settings: bool) -> None:
        """Empty all services; with ``settings``, as just started."""
        for port in self._ports.values():
            if settings:
                port.service.configure(msgspec.structs.asdict(port.service.Settings()))
                port.forget_counts()
            port.service.clear()
        if settings:
            await self.do_clear_faults()

    async def do_stats(self) -> dict[str, Any]:
        """Counts per service."""
        return {name: port.stats() for name, port in self._ports.items()}

    def _port(self, service: str) -> Port:
        if service not in self._ports:
            raise UserError(
                f"there is no service {service!r}",
                field="service",
                remedy=f"choose from {', '.join(self._ports)}",
            )
        return self._ports[service]
