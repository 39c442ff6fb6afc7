"""One process of a local cluster: python -m bench.sweep.engines._dask_node ROLE FOLDER.

The scheduler writes its address into ``FOLDER/scheduler.json``, where the workers wait
for it. All listen on loopback alone, keep their files in FOLDER and end with the
process that started them, however that ends, together with what a cell has started.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
from pathlib import Path
from typing import Any

import dask
import psutil

from bench.services._server import end_with_parent
from bench.sweep.engines._dask_cluster import FILE
from bench.sweep.engines._dask_task import step_aside

# What a worker offers besides its one thread; see `bench.sweep.engines.dask`.
RESOURCES = {"measure": 1.0}
HOST = "127.0.0.1"
_NO_PAGES: dict[str, Any] = {"dashboard": False, "dashboard_address": f"{HOST}:0"}
_SETTINGS: dict[str, Any] = {
    "logging": {"distributed": "warning"},
    # The driver counts the attempts: it is told of each worker that dies.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # What wakes up many times a second, beside what is measured.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.tick.interval": "500ms",
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.diagnostics.nvml": False,
}


def main() -> None:
    """Serve until the parent ends."""
    parser = argparse.ArgumentParser(prog="bench.sweep.engines._dask_node")
    parser.add_argument("role", choices=["scheduler", "worker"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parent", type=int, required=True, help="its pid")
    args = parser.parse_args()
    end_with_parent(args.parent, _end_children)
    step_aside()
    serve = _schedule if args.role == "scheduler" else _work
    with dask.config.set({**_SETTINGS, "temporary-directory": str(args.folder)}):
        asyncio.run(serve(args.folder))


async def _schedule(folder: Path) -> None:
    from distributed import Scheduler

    file = str(folder / FILE)
    async with Scheduler(host=HOST, port=0, scheduler_file=file, **_NO_PAGES) as node:
        await node.finished()


async def _work(folder: Path) -> None:
    from distributed import Worker

    async with Worker(
        scheduler_file=str(folder / FILE),
        host=HOST,
        nthreads=1,
        resources=RESOURCES,
        local_directory=str(folder),
        memory_limit=0,
        **_NO_PAGES,
    ) as node:
        await node.finished()


def _end_children() -> None:
    for child in psutil.Process(os.getpid()).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


if __name__ == "__main__":
    main()
