"""The handle on the hosts that a Worker calls, which run in a process of their own."""

from __future__ import annotations

import os
import sys
from typing import Any

import httpx

from bench.errors import BenchError
from bench.services._client import Services, launch

INDEX, RERANK = "_index", "rerank"
"""What `bench.services.Services` calls the two: to put, fault, configure."""


def start(cpus: set[int] | None = None) -> Services:
    """Start the index and the re-ranking service and wait until they listen.

    ``endpoints`` of the handle are by host, ``index`` and ``rerank``. The process ends
    with this one. Raises UserError when a CPU cannot be had.
    """
    return launch(
        [
            *(sys.executable, "-m", "bench.offload._hosts"),
            *("--cpus", ",".join(str(cpu) for cpu in sorted(cpus or ()))),
            *("--parent", str(os.getpid())),
        ]
    )


def info(running: Services) -> dict[str, Any]:
    """What the re-ranking service says of itself. Raises BenchError."""
    try:
        reply = httpx.get(running.endpoints["rerank"] + "/info")
        told: dict[str, Any] = reply.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise BenchError(f"the re-ranking service says nothing: {error}") from error
    return told
