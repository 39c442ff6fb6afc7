"""The process of one engine. Run as ``python -m bench.engines._server``.

It prints one JSON line when it is ready (or why it cannot start). It ends when its
parent does, takes along what the engine has started, and leaves no files.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
from pathlib import Path

from bench.engines import load
from bench.engines._service import Engine
from bench.errors import BenchError
from bench.services._control import Control
from bench.services._outbound import Outbound
from bench.services._port import Port, bound
from bench.services._server import end_with_parent, pin, serve, telling


def main() -> int:
    """Serve until the parent ends. Exit 2 when a CPU cannot be had, 1 when the engine
    does not start."""
    args = _arguments()
    # The engine starts before it can be ended with the parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    module = load()[args.engine]
    with telling() as ended:
        cpus = pin(args.cpus)
        reason = module.unavailable()
        if reason is not None:
            raise BenchError(reason)
        engine: Engine = module.Service(args.folder)
        try:
            end_with_parent(args.parent, lambda: _end(engine))
            asyncio.run(_serve(engine, args.engine, module.HOST, cpus))
        finally:
            _end(engine)
    return ended.code


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.engines._server", description=__doc__)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--cpus", default="", help="comma-separated CPU numbers")
    parser.add_argument("--parent", type=int, required=True, help="its pid")
    return parser.parse_args()


async def _serve(engine: Engine, name: str, host: str, cpus: list[int]) -> None:
    port = Port(engine, bound(0))
    ports = {name: port}
    control = Control(ports, bound(0))
    outbound = Outbound({(host, "/"): port}, bound(0))
    await serve(ports, control, outbound, cpus)


def _end(engine: Engine) -> None:
    engine.close()
    shutil.rmtree(engine.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
