"""One Worker in the configuration of a workerd process: modules, bindings, objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.project import STUB, Binding, Project, bindings
from bench.project._bundle import Bundle
from bench.project.bindings import assets
from bench.workerd.config import text

OBJECTS = "objects"
"""The folder beside the configuration that Durable Objects are kept in."""
COLLECTOR = "WorkbenchCollector"
"""The entry point that collects garbage, where there is one."""
_COLLECT = "collect.mjs"


def link(folder: Path, bundle: Bundle, prefix: str = "") -> None:
    """Put the modules of ``bundle`` into ``folder``, to be embedded."""
    for name, module in zip(_file_names(bundle, prefix), bundle.modules, strict=True):
        (folder / name).symlink_to(module.file)


def _file_names(bundle: Bundle, prefix: str) -> list[str]:
    """What the modules are called on the disk: their own names may be anything."""
    return [f"{prefix}module{number}" for number in range(len(bundle.modules))]


def disk(folder: Path) -> str:
    """The service that Durable Objects are kept in."""
    path = text(str(folder))
    return f"(name = {text(OBJECTS)}, disk = (path = {path}, writable = true))"


def worker(
    project: Project,
    bundle: Bundle,
    name: str,
    *,
    outside: str,
    cache: str,
    prefix: str = "",
    collects: bool = False,
) -> str:
    """The constant ``isolate<name>``, which the service ``name`` runs.

    Its modules are files as `link` calls them; ``outside`` is the service that a fetch
    leads to, ``cache`` the one of the Cache API.
    """
    modules = [_collector(bundle)] if collects else []
    modules += [
        f"(name = {text(module.name)}, {module.kind} = embed {text(file)})"
        for file, module in zip(
            _file_names(bundle, prefix), bundle.modules, strict=True
        )
    ]
    flags = ", ".join(map(text, project.compatibility_flags))
    return (
        f"const isolate{name} :Workerd.Worker = (\n"
        f"  modules = [\n    {listed(modules)}\n  ],\n"
        f"  compatibilityDate = {text(project.compatibility_date)},\n"
        f"  compatibilityFlags = [{flags}],\n"
        f"  globalOutbound = {text(outside)},\n"
        f"  cacheApiOutbound = {text(cache)},\n"
        f"{_objects(project, name)}"
        f"  bindings = [\n    {listed(list(_bindings(project, name)))}\n  ]\n);"
    )


def listed(items: Sequence[str]) -> str:
    """Items of a list, one a line."""
    return ",\n    ".join(items)


def _collector(bundle: Bundle) -> str:
    """A main module that is the Worker's with an entry point more."""
    own = text(f"./{bundle.modules[0].name}")
    source = (
        f"export * from {own};\nexport {{ default }} from {own};\n"
        f"export const {COLLECTOR} = {{ fetch() {{ gc(); return new Response(); }} }};"
    )
    return f"(name = {text(_COLLECT)}, esModule = {text(source)})"


def _objects(project: Project, name: str) -> str:
    """Namespaces of the Worker's own classes; every isolate has its own objects."""
    own = classes(project)
    if not own:
        return ""
    spaces = [
        f"(className = {text(each)}, uniqueKey = {text(f'{each}-{name}')}, "
        f"enableSql = {str(each in project.sqlite).lower()})"
        for each in own
    ]
    return (
        f"  durableObjectNamespaces = [{', '.join(spaces)}],\n"
        # In memory there is no SQL.
        f"  durableObjectStorage = (localDisk = {text(OBJECTS)}),\n"
    )


def classes(project: Project) -> list[str]:
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
