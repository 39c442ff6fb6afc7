"""KV namespaces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from bench.project import Binding
from bench.project._seeds import read_json
from bench.project.bindings._values import Name, Target, plain

FIELD = "kv_namespaces"
NOTE = "a namespace in memory that is never stale; array deletes are not served"
SERVICE = "kv"


class Entry(msgspec.Struct):
    """One namespace."""

    binding: Name
    id: Target = ""


def read(entries: list[Entry], name: str) -> list[Binding]:
    """One binding each."""
    return [Binding(each.binding, "kv", each.id) for each in entries]


def value(binding: Binding, isolate: str) -> str:
    """Typed by workerd itself."""
    return plain(binding, "kvNamespace")


def seed(binding: Binding, path: Path) -> Any:
    """A JSON object ``{key: value}``, or a list of ``{"key", "value", "metadata"?}``
    as ``wrangler kv bulk put`` takes it."""
    return read_json(path, (dict, list), "keys and values")
