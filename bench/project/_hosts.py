"""The process of a project's services: one of its own for each binding, and the rest of
the world.

Two databases of a Worker are two databases here; one database of two Workers has a port
for each of them, so that their calls are counted apart. Run as ``python -m
bench.project._hosts``; it prints one JSON line when it is ready and ends when its
parent does. ``start`` is the handle.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import sys

from bench.project import STUB, Project, bindings
from bench.project._config import BEYOND, CACHE, OUTSIDE
from bench.project._neighbours import shared
from bench.services._client import Services, launch
from bench.services._control import Control
from bench.services._outbound import Outbound
from bench.services._port import Port, bound
from bench.services._server import end_with_parent, pin, serve, telling


def wanted(project: Project) -> dict[str, str]:
    """The module of each service of ``project``, by the service's name.

    One that is another one too has that one's name after an ``=``.
    """
    kinds = bindings.load()
    found = {OUTSIDE: "_outside", CACHE: "_cache"}
    if project.neighbours:
        found[BEYOND] = "_outside"
    for each in (binding for own in project.everyone for binding in own.bindings):
        module = "_stub" if each.kind == STUB else kinds[each.kind].SERVICE
        if module is not None:
            found[bindings.service(each)] = module
    return found | {name: f"={other}" for name, other in shared(project).items()}


def start(project: Project, seed: int = 1, cpus: set[int] | None = None) -> Services:
    """Start all of them and wait until they listen; the process ends with this one."""
    return launch(
        [
            *(sys.executable, "-m", "bench.project._hosts"),
            *("--services", json.dumps(wanted(project))),
            *("--seed", str(seed)),
            *("--cpus", ",".join(str(cpu) for cpu in sorted(cpus or ()))),
            *("--parent", str(os.getpid())),
        ]
    )


def main() -> int:
    """Serve until the parent ends. Exit 2 when a CPU cannot be had."""
    parser = argparse.ArgumentParser(prog="bench.project._hosts", description=__doc__)
    parser.add_argument("--services", required=True, help="JSON: modules by name")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cpus", default="", help="comma-separated CPU numbers")
    parser.add_argument("--parent", type=int, required=True, help="its pid")
    args = parser.parse_args()
    end_with_parent(args.parent)
    with telling() as ended:
        asyncio.run(_serve(json.loads(args.services), args.seed, pin(args.cpus)))
    return ended.code


async def _serve(modules: dict[str, str], seed: int, cpus: list[int]) -> None:
    ports: dict[str, Port] = {}
    for name, module in modules.items():
        if module.startswith("="):
            ports[name] = Port(ports[module[1:]].service, bound(0))
            continue
        package = "bench.project" if module.startswith("_") else "bench.services"
        made = importlib.import_module(f"{package}.{module}").Service(seed)
        ports[name] = Port(made, bound(0))
    # Nothing is asked by host: a fetch leads to the service OUTSIDE.
    await serve(ports, Control(ports, bound(0)), Outbound({}, bound(0)), cpus)


if __name__ == "__main__":
    sys.exit(main())
