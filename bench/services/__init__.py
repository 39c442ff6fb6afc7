"""Loopback services that stand in for everything the request path calls.

They keep real state (SQLite, a vector index) and speak the wire protocols of the
Workers bindings and of the providers' APIs, so that the Python path and the bindings
of workerd use the same ones. They run in one process of their own, so that their CPU
is never counted as the path's. ``start()`` gives a handle:

    with start(seed=1) as services:
        services.put("kv", {"session:abc": "{}"})
        services.fault("anthropic", "cut", rate=0.5, seed=3)
        httpx.get(services.endpoints["kv"] + "/session%3Aabc?urlencoded=true")

To add a service, add a module to this folder with ``HOST`` (what the real client sends
as Host), ``PREFIX`` where it shares the host with another, and ``Service`` (a subclass
of ``_service.Base``); nothing else changes. A service that the platform bills has
``CHARGES`` too, which says how each of its meters is counted, and ``NOTE``, which says
what its count leaves out.
"""

from __future__ import annotations

from bench.services._client import Services, start

__all__ = ["Services", "start"]
