"""The process of the two hosts that the Worker calls: the index and the service.

Apart from the other services, so that its CPU is the re-ranking's alone. Run as
``python -m bench.offload._hosts``; it prints one JSON line when it is ready and ends
when its parent does.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from bench.offload import _index
from bench.services import _rerank_port, rerank
from bench.services._control import Control
from bench.services._outbound import Outbound
from bench.services._port import Port, bound
from bench.services._server import end_with_parent, pin, serve, telling

SEED = 1  # of the services, whose answers do not depend on it


def main() -> int:
    """Serve until the parent ends. Exit 2 when a CPU cannot be had."""
    parser = argparse.ArgumentParser(prog="bench.offload._hosts", description=__doc__)
    parser.add_argument("--cpus", default="", help="comma-separated CPU numbers")
    parser.add_argument("--parent", type=int, required=True, help="its pid")
    args = parser.parse_args()
    end_with_parent(args.parent)
    with telling() as ended:
        asyncio.run(_serve(pin(args.cpus)))
    return ended.code


async def _serve(cpus: list[int]) -> None:
    ports: dict[str, Port] = {
        _index.HOST: Port(_index.Service(SEED), bound(0)),
        rerank.HOST: _rerank_port.BatchingPort(rerank.Service(SEED), bound(0)),
    }
    # The control port names a service by its module, a client by its host.
    named = {port.service.name: port for port in ports.values()}
    control = Control(named, bound(0))
    outbound = Outbound({(host, "/"): port for host, port in ports.items()}, bound(0))
    await serve(ports, control, outbound, cpus)


if __name__ == "__main__":
    sys.exit(main())
