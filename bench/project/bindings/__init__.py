"""What can stand behind a binding: one file for each kind that wrangler knows.

`bench.registry` finds a file by listing this folder. It defines

    FIELD      wrangler's field, such as ``kv_namespaces`` or ``queues.producers``
    NOTE       a sentence on what stands behind it, and what differs from Cloudflare's
    SERVICE    the module that serves it on loopback (`bench.project._hosts`), or None
               where workerd provides it by itself
    read(entries, name) -> list[Binding]
               bindings of the field's ``entries`` (checked against ``Entry``, a msgspec
               Struct) in a Worker called ``name``
    value(binding, isolate) -> str
               the binding in the configuration of workerd, for the isolate with this
               name; a service is called ``env.<name of the binding>`` there

and may define

    note(binding) -> str
               the note of one binding, where not all have the same
    seed(binding, path) -> Any
               what to put into the service, from the file or folder ``path``; raises
               UserError
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from bench import registry
from bench.errors import UserError
from bench.project import Binding
from bench.project._names import shown

REQUIRED = ("FIELD", "NOTE", "SERVICE", "Entry", "read", "value")
_MOST = 200


@cache
def load() -> dict[str, ModuleType]:
    """The kinds by name, in alphabetical order."""
    return registry.load("bench.project.bindings", REQUIRED)


def fields() -> set[str]:
    """Top-level fields of a configuration that a kind reads."""
    return {module.FIELD.partition(".")[0] for module in load().values()}


def service(binding: Binding) -> str:
    """The name of what serves ``binding`` in the configuration of workerd."""
    return f"env.{binding.place or binding.name}"


def read(config: Mapping[str, Any], name: str, file: Path) -> list[Binding]:
    """Bindings of all kinds in the configuration of the Worker ``name``.

    Raises UserError that names the field of a malformed one.
    """
    found: list[Binding] = []
    for module in load().values():
        entries = _entries(config, module, file)
        found += module.read(entries, name) if entries else []
    if len(found) > _MOST:
        raise UserError(
            f"{len(found)} bindings are more than the {_MOST} that are served here",
            file=file,
            field="bindings",
            remedy="leave some out",
        )
    return found


def _entries(config: Mapping[str, Any], module: ModuleType, file: Path) -> list[Any]:
    value: Any = config
    for part in module.FIELD.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return []
    one = not isinstance(value, list)
    kind: Any = module.Entry
    try:
        return list(msgspec.convert([value] if one else value, list[kind]))
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        place = place.rstrip("`")
        if one:
            place = place.removeprefix("[0]")
        raise UserError(
            shown(message),
            file=file,
            field=shown(f"{module.FIELD}{place}"),
            remedy="see the field in wrangler's documentation",
        ) from error
