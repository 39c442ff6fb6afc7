"""Isolates of the limiters in one workerd, with Durable Objects in its memory.

Isolate 0 holds the objects, as one place in the world does for each of them; all
isolates reach them through a namespace, and KV at its loopback service.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import quote, urlsplit

from bench.path.http import Request
from bench.workerd import bundle, project, tools
from bench.workerd.isolates import Isolates
from bench.world import NOW

_MODULE = "limiter.mjs"
_CONFIG = """\
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "kv", external = (address = "{kv}", http = ())),
    {services}
  ],
  sockets = [
    {sockets}
  ]
);
"""
_WORKER = """\
const isolate{n} :Workerd.Worker = (
  modules = [(name = "worker.mjs", esModule = embed "limiter.mjs")],
  compatibilityDate = "{date}",
  durableObjectNamespaces = [{objects}],
  durableObjectStorage = (inMemory = void),
  bindings = [
    (name = "LIMITS", kvNamespace = "kv"),
    (name = "TIMEOUT_S", json = "10"),
    (name = "COUNTER", durableObjectNamespace = (
      className = "Counter", serviceName = "0"))
  ]
);
"""
_OBJECTS = '(className = "Counter", uniqueKey = "counter", enableSql = true)'


def build(folder: Path) -> Path:
    """The compiled entry in ``folder``. Raises BenchError."""
    clock = {"CLOCK_MS": str(round(NOW * 1000))}
    own = project.load(tools.PROJECT)
    return bundle.build(own, bundle.ENTRIES / "limiter.ts", folder / _MODULE, clock)


def start(module: Path, kv: str, locations: int) -> Isolates:
    """A process of ``locations`` isolates that have counted nothing, to be made ready.

    ``kv`` is the base URL of the service.
    """
    folder = Path(tempfile.mkdtemp(prefix="workbench-"))
    (folder / _MODULE).write_bytes(module.read_bytes())
    numbers = range(locations)
    services = [f'(name = "{n}", worker = .isolate{n})' for n in numbers]
    sockets = [
        f'(name = "{n}", address = "127.0.0.1:0", http = (), service = "{n}")'
        for n in numbers
    ]
    config = _CONFIG.format(
        kv=urlsplit(kv).netloc,
        services=",\n    ".join(services),
        sockets=",\n    ".join(sockets),
    )
    date = project.load(tools.PROJECT).compatibility_date
    for n in numbers:
        objects = "" if n else _OBJECTS
        config += _WORKER.format(n=n, date=date, objects=objects)
    (folder / "config.capnp").write_text(config, encoding="utf-8")
    return Isolates(folder, locations)


def request(way: str, tenant: str, limit: int) -> Request:
    """One request of ``tenant``, who may have ``limit`` of them."""
    path = f"/{way}?tenant={quote(tenant, safe='')}&limit={limit}"
    return Request("GET", path, {}, b"")
