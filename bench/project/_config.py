"""The capnp configuration of a process that holds copies of somebody's Worker.

Isolate i is the service ``i`` on the socket ``i``; the last one is an empty Worker,
which is the floor. Request lines hold the whole URL (``style = proxy``), so that the
Worker sees https and a path that no other part of this package has a meaning for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.project import STUB, Binding, Project, bindings
from bench.project._bundle import Bundle
from bench.project.bindings import assets, ratelimits
from bench.workerd.config import TRIGGER, text

OUTSIDE, CACHE = "outside", "cache"
"""Services beside those of the bindings: whatever a fetch names, and the Cache API."""
OBJECTS = "objects"
"""The folder beside the configuration that Durable Objects are kept in."""
_COLLECT = "collect.mjs"
_COLLECTOR = "WorkbenchCollector"
FLOOR = "export default { fetch() { return new Response(); } };\n"
_FLAGS = '"service_binding_extra_handlers", "experimental"'


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
    """The configuration as text; the modules are files called as `file_names` says.

    ``endpoints`` are base URLs by service: ``env.<binding>``, and the two of here;
    ``objects`` is the folder of Durable Objects. With ``collects`` one socket more,
    after the floor's, collects the garbage of isolate 0 (with V8's ``--expose-gc``).
    """
    names = [str(number) for number in range(isolates)]
    floor = str(isolates)
    services = [f"(name = {text(n)}, worker = .isolate{n})" for n in [*names, floor]]
    services += [_external(*endpoint) for endpoint in endpoints.items()]
    sockets = [_socket(name, "(style = proxy)") for name in [*names, floor]]
    if collects:
        entry = f'(name = "0", entrypoint = {text(_COLLECTOR)})'
        sockets.append(_socket(str(isolates + 1), "(style = proxy)", entry))
    parts = [_worker(project, bundle, name, collects=collects) for name in names]
    parts.append(_floor(floor))
    if _classes(project):
        path = text(str(objects))
        disk = f"(path = {path}, writable = true)"
        services.append(f"(name = {text(OBJECTS)}, disk = {disk})")
    if project.consumers:
        services.append(f"(name = {text(TRIGGER)}, worker = .{TRIGGER})")
        sockets.append(_socket(TRIGGER, "()"))
        parts.append(_trigger(project, names))
    head = [
        'using Workerd = import "/workerd/workerd.capnp";',
        "const config :Workerd.Config = (",
        f"  services = [\n    {_list(services)}\n  ],",
        f"  sockets = [\n    {_list(sockets)}\n  ],",
        f"  v8Flags = [{', '.join(map(text, v8_flags))}],",
        f"  extensions = [(modules = [{_extension()}])]",
        ");",
    ]
    return "\n".join([*head, *parts]) + "\n"


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
    for name, module in zip(file_names(bundle), bundle.modules, strict=True):
        (folder / name).symlink_to(module.file)
    (folder / "trigger.mjs").write_bytes(trigger.read_bytes())
    objects = folder / OBJECTS
    objects.mkdir()
    rendered = render(
        project, bundle, isolates, endpoints, objects, v8_flags, collects=collects
    )
    config = folder / "config.capnp"
    config.touch(0o600)  # it holds the secrets
    config.write_text(rendered, encoding="utf-8")


def file_names(bundle: Bundle) -> list[str]:
    """What the modules are called on the disk: their own names may be anything."""
    return [f"module{number}" for number in range(len(bundle.modules))]


def _list(items: Sequence[str]) -> str:
    return ",\n    ".join(items)


def _external(name: str, url: str) -> str:
    address = text(urlsplit(url).netloc)
    return f"(name = {text(name)}, external = (address = {address}, http = ()))"


def _socket(name: str, http: str, service: str = "") -> str:
    return (
        f'(name = {text(name)}, address = "127.0.0.1:0", http = {http}, '
        f"service = {service or text(name)})"
    )


def _worker(project: Project, bundle: Bundle, name: str, *, collects: bool) -> str:
    modules = [_collector(bundle)] if collects else []
    modules += [
        f"(name = {text(module.name)}, {module.kind} = embed {text(file)})"
        for file, module in zip(file_names(bundle), bundle.modules, strict=True)
    ]
    flags = ", ".join(map(text, project.compatibility_flags))
    return (
        f"const isolate{name} :Workerd.Worker = (\n"
        f"  modules = [\n    {_list(modules)}\n  ],\n"
        f"  compatibilityDate = {text(project.compatibility_date)},\n"
        f"  compatibilityFlags = [{flags}],\n"
        f"  globalOutbound = {text(OUTSIDE)},\n"
        f"  cacheApiOutbound = {text(CACHE)},\n"
        f"{_objects(project, name)}"
        f"  bindings = [\n    {_list(list(_bindings(project, name)))}\n  ]\n);"
    )


def _collector(bundle: Bundle) -> str:
    """A main module that is the Worker's with an entry point more."""
    own = text(f"./{bundle.modules[0].name}")
    source = (
        f"export * from {own};\nexport {{ default }} from {own};\n"
        f"export const {_COLLECTOR} = {{ fetch() {{ gc(); return new Response(); }} }};"
    )
    return f"(name = {text(_COLLECT)}, esModule = {text(source)})"


def _objects(project: Project, name: str) -> str:
    """Namespaces of the Worker's own classes; every isolate has its own objects."""
    classes = _classes(project)
    if not classes:
        return ""
    spaces = [
        f"(className = {text(each)}, uniqueKey = {text(f'{each}-{name}')}, "
        f"enableSql = {str(each in project.sqlite).lower()})"
        for each in classes
    ]
    return (
        f"  durableObjectNamespaces = [{', '.join(spaces)}],\n"
        # In memory there is no SQL.
        f"  durableObjectStorage = (localDisk = {text(OBJECTS)}),\n"
    )


def _classes(project: Project) -> list[str]:
    """Classes of Durable Objects that the Worker binds."""
    return list(dict.fromkeys(each.target for each in project.of("durable_objects")))


def _bindings(project: Project, isolate: str) -> Iterator[str]:
    values = {**project.variables, **project.secrets}
    for each in project.bindings:
        if each.name == assets.UNNAMED:
            continue
        values.pop(each.name, None)  # one name is one thing: the binding wins
        yield f"(name = {text(each.name)}, {_value(each, isolate)})"
    for name, value in values.items():
        yield f"(name = {text(str(name))}, {_variable(value)})"


def _value(binding: Binding, isolate: str) -> str:
    if binding.kind == STUB:
        return f"service = {text(bindings.service(binding))}"
    return str(bindings.load()[binding.kind].value(binding, isolate))


def _variable(value: Any) -> str:
    if isinstance(value, str):
        return f"text = {text(value)}"
    return f"json = {text(json.dumps(value))}"


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
    """A Worker that calls the queue handlers, which nothing else can do over HTTP."""
    bound = [f"(name = {text(name)}, service = {text(name)})" for name in names]
    bound.append(f'(name = "QUEUE", text = {text(project.consumers[0])})')
    return (
        f"const {TRIGGER} :Workerd.Worker = (\n"
        '  modules = [(name = "trigger.mjs", esModule = embed "trigger.mjs")],\n'
        f"  compatibilityDate = {text(project.compatibility_date)},\n"
        f"  compatibilityFlags = [{_FLAGS}],\n"
        f"  bindings = [\n    {_list(bound)}\n  ]\n);"
    )
