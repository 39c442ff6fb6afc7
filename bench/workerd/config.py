"""The capnp configuration of a workerd process: Workers, sockets, external services.

A process may hold many copies of a Worker, each an isolate of its own. Bindings lead
to the loopback services; a plain ``fetch`` leads to their outbound port, which serves
whatever host the URL names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bench.workerd.project import Project

TRIGGER = "trigger"
OUTBOUND = "outbound"
# Modules of workerd that wrap an HTTP service into a binding; Vectorize wants more.
_WRAPPED = {
    "d1": ("cloudflare-internal:d1-api", ()),
    "vectorize": (
        "cloudflare-internal:vectorize-api",
        (("indexVersion", 'text = "v2"'), ("useNdJson", 'json = "true"')),
    ),
}
_PLAIN = {"kv": "kvNamespace", "r2": "r2Bucket", "queue": "queue"}


@dataclass(frozen=True, slots=True)
class Isolate:
    """One Worker of a process: the module file that it runs, extra bindings
    (name -> capnp value), and WebAssembly that it imports (name -> file)."""

    module: str
    extra: Mapping[str, str] = field(default_factory=dict)
    wasm: Mapping[str, str] = field(default_factory=dict)


def text(value: str) -> str:
    """A capnp text literal. JSON's is one, except for its ``\\u`` escapes."""
    return json.dumps(value, ensure_ascii=False)


def render(
    project: Project,
    isolates: Sequence[Isolate],
    endpoints: Mapping[str, str],
    variables: Mapping[str, Any],
    secrets: Mapping[str, str],
    v8_flags: Sequence[str] = (),
) -> str:
    """The configuration as text.

    Isolate i is the service ``i`` on the socket ``i``. Where the project consumes a
    queue, the socket ``trigger`` takes its batches: ``POST /i`` delivers its JSON list
    of bodies to isolate i. ``endpoints`` are base URLs by service; without
    ``outbound`` among them a Worker can reach no host.
    """
    names = [str(number) for number in range(len(isolates))]
    services = [_worker(n, f".isolate{n}") for n in names]
    services += map(_external, endpoints.items())
    if OUTBOUND not in endpoints:
        services.append(f"(name = {text(OUTBOUND)}, network = (allow = []))")
    sockets = [_socket(name) for name in names]
    triggers = []
    if project.queue:
        services.append(_worker(TRIGGER, f".{TRIGGER}"))
        sockets.append(_socket(TRIGGER))
        triggers.append(_trigger(project, names))
    values = _bindings(project, {**project.variables, **variables}, secrets)
    parts = [
        'using Workerd = import "/workerd/workerd.capnp";',
        "const config :Workerd.Config = (",
        f"  services = [\n    {_list(services)}\n  ],",
        f"  sockets = [\n    {_list(sockets)}\n  ],",
        f"  v8Flags = [{', '.join(map(text, v8_flags))}]",
        ");",
        *(
            _definition(project, f"isolate{n}", one, values)
            for n, one in zip(names, isolates, strict=True)
        ),
        *triggers,
    ]
    return "\n".join(parts) + "\n"


def _list(items: Sequence[str]) -> str:
    return ",\n    ".join(items)


def _worker(name: str, reference: str) -> str:
    # A space before the dot: "=.x" is one token to capnp, and an error.
    return f"(name = {text(name)}, worker = {reference})"


def _external(endpoint: tuple[str, str]) -> str:
    name, url = endpoint
    address = text(urlsplit(url).netloc)
    return f"(name = {text(name)}, external = (address = {address}, http = ()))"


def _socket(name: str) -> str:
    return (
        f'(name = {text(name)}, address = "127.0.0.1:0", http = (), '
        f"service = {text(name)})"
    )


def _definition(
    project: Project, name: str, isolate: Isolate, values: Sequence[str]
) -> str:
    extra = [f"(name = {text(key)}, {what})" for key, what in isolate.extra.items()]
    modules = [f'(name = "worker.mjs", esModule = embed {text(isolate.module)})']
    modules += [
        f"(name = {text(key)}, wasm = embed {text(file)})"
        for key, file in isolate.wasm.items()
    ]
    flags = ", ".join(map(text, project.compatibility_flags))
    return (
        f"const {name} :Workerd.Worker = (\n"
        f"  modules = [{', '.join(modules)}],\n"
        f"  compatibilityDate = {text(project.compatibility_date)},\n"
        f"  compatibilityFlags = [{flags}],\n"
        f"  globalOutbound = {text(OUTBOUND)},\n"
        f"  bindings = [\n    {_list([*values, *extra])}\n  ]\n);"
    )


def _bindings(
    project: Project, variables: Mapping[str, Any], secrets: Mapping[str, str]
) -> list[str]:
    found = []
    for name, (kind, details) in project.bindings.items():
        if kind in _PLAIN:
            found.append(f"(name = {text(name)}, {_PLAIN[kind]} = {text(kind)})")
            continue
        module, inner = _WRAPPED[kind]
        inside = [f'(name = "fetcher", service = {text(kind)})']
        if kind == "vectorize":
            inside.append(f'(name = "indexId", text = {text(details)})')
        inside += [f"(name = {text(key)}, {what})" for key, what in inner]
        found.append(
            f"(name = {text(name)}, wrapped = (moduleName = {text(module)}, "
            f"innerBindings = [{', '.join(inside)}]))"
        )
    found += [_variable(name, value) for name, value in variables.items()]
    return [*found, *(_variable(name, value) for name, value in secrets.items())]


def _variable(name: str, value: Any) -> str:
    if isinstance(value, str):
        return f"(name = {text(name)}, text = {text(value)})"
    return f"(name = {text(name)}, json = {text(json.dumps(value))})"


def _trigger(project: Project, names: Sequence[str]) -> str:
    """A Worker that calls the queue handlers, which nothing else can do over HTTP."""
    bound = [f"(name = {text(name)}, service = {text(name)})" for name in names]
    bound.append(f'(name = "QUEUE", text = {text(project.queue)})')
    return (
        f"const {TRIGGER} :Workerd.Worker = (\n"
        '  modules = [(name = "trigger.mjs", esModule = embed "trigger.mjs")],\n'
        f"  compatibilityDate = {text(project.compatibility_date)},\n"
        '  compatibilityFlags = ["service_binding_extra_handlers", "experimental"],\n'
        f"  bindings = [\n    {_list(bound)}\n  ]\n);"
    )
