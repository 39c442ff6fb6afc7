"""The services of `bench.services`, with a model that asks for tools, and a provider of
multimodal inference.

Run as ``python -m bench.workloads._hosts``; it prints one JSON line when it is ready
and ends when its parent does. ``start`` is the handle.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from bench.registry import load
from bench.services._client import Services, launch
from bench.services._control import Control
from bench.services._outbound import Outbound
from bench.services._port import Port, bound
from bench.services._server import REQUIRED, end_with_parent, pin, serve, telling
from bench.workloads import _media, _model

MODEL, MEDIA = "anthropic", "media"


def start(seed: int = 1, cpus: set[int] | None = None) -> Services:
    """Start all of them and wait until they listen; the process ends with this one.

    Raises UserError when a CPU cannot be had.
    """
    return launch(
        [
            *(sys.executable, "-m", "bench.workloads._hosts"),
            *("--seed", str(seed)),
            *("--cpus", ",".join(str(cpu) for cpu in sorted(cpus or ()))),
            *("--parent", str(os.getpid())),
        ]
    )


def main() -> int:
    """Serve until the parent ends. Exit 2 when a CPU cannot be had."""
    parser = argparse.ArgumentParser(prog="bench.workloads._hosts", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cpus", default="", help="comma-separated CPU numbers")
    parser.add_argument("--parent", type=int, required=True, help="its pid")
    args = parser.parse_args()
    end_with_parent(args.parent)
    with telling() as ended:
        asyncio.run(_serve(args.seed, pin(args.cpus)))
    return ended.code


async def _serve(seed: int, cpus: list[int]) -> None:
    modules = load("bench.services", REQUIRED)
    made = {name: module.Service(seed) for name, module in modules.items()}
    made |= {MODEL: _model.Service(seed), MEDIA: _media.Service(seed)}
    ports = {name: Port(service, bound(0)) for name, service in made.items()}
    by_host = {
        (module.HOST, getattr(module, "PREFIX", "/")): ports[name]
        for name, module in modules.items()
    }
    by_host[_media.HOST, "/"] = ports[MEDIA]
    control, outbound = Control(ports, bound(0)), Outbound(by_host, bound(0))
    await serve(ports, control, outbound, cpus)


if __name__ == "__main__":
    sys.exit(main())
