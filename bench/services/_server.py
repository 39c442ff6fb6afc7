"""The process that serves all stand-ins, a port each, and a control port.

Run as ``python -m bench.services._server``. It prints one JSON line when it is ready
(or why it cannot start) and ends when its parent does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.errors import BenchError, UserError
from bench.registry import load
from bench.services._control import Control
from bench.services._outbound import Outbound
from bench.services._port import Port, bound
from bench.services._service import Base

REQUIRED = ("HOST", "Service")
CONTROL, OUTBOUND = "control", "outbound"


def main(argv: list[str] | None = None) -> int:
    """Serve until the parent ends. Exit 2 when a port or a CPU cannot be had."""
    args = _arguments(argv)
    end_with_parent(args.parent)
    with telling() as ended:
        cpus = pin(args.cpus)
        asyncio.run(_serve(args.seed, json.loads(args.ports), cpus))
    return ended.code


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.services._server", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ports", default="null", help="JSON: a base port or a table")
    parser.add_argument("--cpus", default="", help="comma-separated CPU numbers")
    parser.add_argument("--parent", type=int, default=os.getppid(), help="its pid")
    return parser.parse_args(argv)


async def _serve(
    seed: int, ports: int | dict[str, int] | None, cpus: list[int]
) -> None:
    modules = load("bench.services", REQUIRED)
    services: dict[str, Base] = {
        name: module.Service(seed) for name, module in modules.items()
    }
    sockets = _sockets([*services, CONTROL, OUTBOUND], ports)
    open_ports = {
        name: Port(service, sockets[name]) for name, service in services.items()
    }
    control = Control(open_ports, sockets[CONTROL])
    by_host = {
        (module.HOST, getattr(module, "PREFIX", "/")): open_ports[name]
        for name, module in modules.items()
    }
    outbound = Outbound(by_host, sockets[OUTBOUND])
    await serve(open_ports, control, outbound, cpus)


@dataclass(slots=True)
class Ended:
    """How a process of services ended."""

    code: int = 0


@contextmanager
def telling() -> Iterator[Ended]:
    """Tell the parent of an error inside, instead of where the services are."""
    ended = Ended()
    try:
        yield ended
    except UserError as error:
        _tell({"error": [error.message, error.field, error.remedy]})
        ended.code = error.exit_code
    except BenchError as error:
        _tell({"error": [str(error), None, None]})
        ended.code = error.exit_code


async def serve(
    ports: dict[str, Port], control: Control, outbound: Outbound, cpus: list[int]
) -> None:
    """Open everything, tell the parent where, and serve until cancelled.

    ``ports`` are told by their names as the endpoints.
    """
    for port in ports.values():
        await port.open()
    await control.open()
    await outbound.open()
    _tell(
        {
            "endpoints": {name: _url(port.number) for name, port in ports.items()},
            "control": _url(control.number),
            "outbound": _url(outbound.number),
            "cpus": cpus,
        }
    )
    await asyncio.Event().wait()


def _sockets(
    names: list[str], ports: int | dict[str, int] | None
) -> dict[str, socket.socket]:
    """A bound socket per name. Raises UserError naming the port that cannot be had."""
    if isinstance(ports, int):
        ports = {name: ports + i for i, name in enumerate(names)}
    wanted = ports or {}
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        raise UserError(
            f"there is no service {unknown[0]!r}",
            field="ports",
            remedy=f"choose from {', '.join(names)}",
        )
    return {name: _bound_or_explain(name, wanted.get(name, 0)) for name in names}


def _bound_or_explain(name: str, port: int) -> socket.socket:
    try:
        sock = bound(port)
        # Only listening shows that nobody else listens; Linux lets both bind.
        sock.listen()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or "not between 0 and 65535"
        raise UserError(
            f"port {port} of 127.0.0.1 cannot be had for {name}: {why}",
            field="ports",
            remedy="end the program that uses it, name another port, or name none",
        ) from error
    return sock


def pin(text: str) -> list[int]:
    """Stay on these CPUs; where the system cannot pin, the answer is empty."""
    if not text or not hasattr(os, "sched_setaffinity"):
        return []
    wanted = {int(cpu) for cpu in text.split(",")}
    try:
        os.sched_setaffinity(0, wanted)
    except OSError as error:
        raise UserError(
            f"the services cannot run on CPU {text}: {error.strerror}",
            field="cpus",
            remedy=f"choose from {sorted(os.sched_getaffinity(0))}",
        ) from error
    return sorted(os.sched_getaffinity(0))


def end_with_parent(parent: int, finish: Callable[[], None] = lambda: None) -> None:
    """``finish`` and exit when the parent ends, whichever way it ends.

    Everywhere: the parent holds our stdin open, so its end is our end of file. On
    Linux also by signal, for a parent whose forked children keep the pipe open. The
    signal comes when the parent's *thread* ends too, hence the look at getppid.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    once = threading.Lock()

    def end() -> None:
        with once:
            finish()
            os._exit(0)

    def watch() -> None:
        # Not sys.stdin: its lock would make the interpreter wait at exit.
        while os.read(0, 4096):
            pass
        end()

    def orphaned() -> None:
        if os.getppid() != parent:
            # Not in the handler: what it interrupts may hold what ``finish`` needs.
            threading.Thread(target=end).start()

    threading.Thread(target=watch, daemon=True).start()
    if sys.platform == "linux":
        import ctypes

        signal.signal(signal.SIGUSR1, lambda *_: orphaned())
        set_pdeathsig = 1
        ctypes.CDLL(None).prctl(set_pdeathsig, signal.SIGUSR1)
        orphaned()  # it may have ended before the call


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _tell(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    sys.exit(main())
