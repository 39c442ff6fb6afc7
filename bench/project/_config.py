"""The capnp configuration of a process that holds copies of somebody's Worker.

Isolate i is the service ``i`` on the socket ``i``; the last one is an empty Worker,
which is the floor. Request lines hold the whole URL (``style = proxy``), so that the
Worker sees https and a path that no other part of this package has a meaning for.

The Workers behind its service bindings are in a process of their own: each binding is
a socket there, which takes events that are no HTTP, such as RPC, through a tunnel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from bench.project import Binding, Project
from bench.project._bundle import Bundle
from bench.project._definition import (
    COLLECTOR,
    OBJECTS,
    classes,
    disk,
    link,
    listed,
    worker,
)
from bench.project.bindings import ratelimits
from bench.workerd.config import TRIGGER, text

OUTSIDE, CACHE = "outside", "cache"
"""Services beside those of the bindings: whatever a fetch names, and the Cache API."""
BEYOND = "beyond"
"""What `OUTSIDE` is for the Workers behind service bindings."""
TUNNEL = "tunnel"
"""The scheme of an endpoint that is a Worker in another process."""
FLOOR = "export default { fetch() { return new Response(); } };\n"
_FLAGS = '"service_binding_extra_handlers", "experimental"'
_PROXY = "(style = proxy)"
# No name that a CONNECT of a Worker could have: it is no host and has no port.
_TUNNELLED = '(style = proxy, capnpConnectHost = "workbench-tunnel")'


def render(
    project: Project,
    bundle: Bundle,
    isolates: int,
    endpoints: Mapping[str, str],
    objects: Path,
    v8_flags: Sequence[str] = (),
    *,
    collects: bool = False,
) -> str:
    """The configuration as text; the modules are files as `link` calls them.

    ``endpoints`` are base URLs by service: ``env.<binding>``, and the two of here;
    ``objects`` is the folder of Durable Objects. With ``collects`` one socket more,
    after the floor's, collects the garbage of isolate 0 (with V8's ``--expose-gc``).
    """
    names = [str(number) for number in range(isolates)]
    floor = str(isolates)
    services = [_service(name) for name in [*names, floor]]
    services += [_external(*endpoint) for endpoint in endpoints.items()]
    sockets = [_socket(name, _PROXY) for name in [*names, floor]]
    if collects:
        entry = f'(name = "0", entrypoint = {text(COLLECTOR)})'
        sockets.append(_socket(str(isolates + 1), _PROXY, entry))
    parts = [
        worker(
            project, bundle, name, outside=OUTSIDE, cache=CACHE, collects=collects
        )
        for name in names
    ]  # fmt: skip
    parts.append(_floor(floor))
    if classes(project):
        services.append(disk(objects))
    if project.has_events:
        services.append(f"(name = {text(TRIGGER)}, worker = .{TRIGGER})")
        sockets.append(_socket(TRIGGER, "()"))
        parts.append(_trigger(project, names))
    return _whole(services, sockets, parts, v8_flags)


def render_neighbours(
    neighbours: Mapping[str, tuple[Project, Bundle]],
    sockets: Mapping[str, Binding],
    endpoints: Mapping[str, str],
    objects: Path,
) -> str:
    """The configuration of the Workers behind service bindings, by service.

    ``sockets`` are the bindings that lead to them, by the name of the socket.
    """
    services = [_service(name) for name in neighbours]
    services += [_external(*endpoint) for endpoint in endpoints.items()]
    services.append(disk(objects))
    parts = [
        worker(own, bundle, name, outside=BEYOND, cache=CACHE, prefix=name)
        for name, (own, bundle) in neighbours.items()
    ]
    listening = [
        _socket(name, _TUNNELLED, _entry(binding)) for name, binding in sockets.items()
    ]
    return _whole(services, listening, parts, ())


def write(
    folder: Path,
    project: Project,
    bundle: Bundle,
    isolates: int,
    endpoints: Mapping[str, str],
    *,
    trigger: Path,
    v8_flags: Sequence[str] = (),
    collects: bool = False,
) -> None:
    """Put the configuration and everything that it embeds into ``folder``."""
    link(folder, bundle)
    (folder / "trigger.mjs").write_bytes(trigger.read_bytes())
    objects = _objects(folder)
    rendered = render(
        project, bundle, isolates, endpoints, objects, v8_flags, collects=collects
    )
    _keep(folder, rendered)


def write_neighbours(
    folder: Path,
    neighbours: Mapping[str, tuple[Project, Bundle]],
    sockets: Mapping[str, Binding],
    endpoints: Mapping[str, str],
) -> None:
    """The same for the Workers behind service bindings."""
    for name, (_, bundle) in neighbours.items():
        link(folder, bundle, name)
    objects = _objects(folder)
    _keep(folder, render_neighbours(neighbours, sockets, endpoints, objects))


def _objects(folder: Path) -> Path:
    objects = folder / OBJECTS
    objects.mkdir()
    return objects


def _keep(folder: Path, rendered: str) -> None:
    config = folder / "config.capnp"
    config.touch(0o600)  # it holds the secrets
    config.write_text(rendered, encoding="utf-8")


def _whole(
    services: Sequence[str],
    sockets: Sequence[str],
    parts: Sequence[str],
    v8_flags: Sequence[str],
) -> str:
    head = [
        'using Workerd = import "/workerd/workerd.capnp";',
        "const config :Workerd.Config = (",
        f"  services = [\n    {listed(services)}\n  ],",
        f"  sockets = [\n    {listed(sockets)}\n  ],",
        f"  v8Flags = [{', '.join(map(text, v8_flags))}],",
        f"  extensions = [(modules = [{_extension()}])]",
        ");",
    ]
    return "\n".join([*head, *parts]) + "\n"


def _service(name: str) -> str:
    return f"(name = {text(name)}, worker = .isolate{name})"


def _external(name: str, url: str) -> str:
    parts = urlsplit(url)
    http = _TUNNELLED if parts.scheme == TUNNEL else "()"
    address = text(parts.netloc)
    return f"(name = {text(name)}, external = (address = {address}, http = {http}))"


def _socket(name: str, http: str, service: str = "") -> str:
    return (
        f'(name = {text(name)}, address = "127.0.0.1:0", http = {http}, '
        f"service = {service or text(name)})"
    )


def _entry(binding: Binding) -> str:
    """The entry point of a neighbour that a service binding leads to."""
    entry = binding.details["entrypoint"]
    named = f", entrypoint = {text(entry)}" if entry else ""
    return f"(name = {text(binding.details['at'])}{named})"


def _extension() -> str:
    source = text(ratelimits.SOURCE)
    return f"(name = {text(ratelimits.MODULE)}, internal = true, esModule = {source})"


def _floor(name: str) -> str:
    return (
        f"const isolate{name} :Workerd.Worker = (\n"
        f'  modules = [(name = "floor.mjs", esModule = {text(FLOOR)})],\n'
        f'  compatibilityDate = "2026-01-01",\n'
        f"  globalOutbound = {text(OUTSIDE)}\n);"
    )


def _trigger(project: Project, names: Sequence[str]) -> str:
    """A Worker that calls handlers which nothing else can call over HTTP."""
    bound = [f"(name = {text(name)}, service = {text(name)})" for name in names]
    return (
        f"const {TRIGGER} :Workerd.Worker = (\n"
        '  modules = [(name = "trigger.mjs", esModule = embed "trigger.mjs")],\n'
        f"  compatibilityDate = {text(project.compatibility_date)},\n"
        f"  compatibilityFlags = [{_FLAGS}],\n"
        f"  bindings = [\n    {listed(bound)}\n  ]\n);"
    )
