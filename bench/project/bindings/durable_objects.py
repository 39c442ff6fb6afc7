"""Durable Objects of the Worker's own classes, which workerd runs by itself."""

from __future__ import annotations

import msgspec

from bench.project import Binding
from bench.project.bindings._values import Name, Target
from bench.workerd.config import text

FIELD = "durable_objects.bindings"
NOTE = (
    "objects in the isolate of the Worker, which Cloudflare puts into another: what "
    "they spend is in whole and not in charged, because it is charged to the object; "
    "only opening one, at the first request to it, is charged to that request here"
)
SERVICE = None


class Entry(msgspec.Struct):
    """One namespace."""

    name: Name
    class_name: Name
    script_name: Target = ""


def read(entries: list[Entry], name: str) -> list[Binding]:
    """One binding each; a class of another Worker is missing."""
    return [
        Binding(
            each.name,
            "durable_objects",
            each.class_name,
            missing=""
            if each.script_name in ("", name)
            else "its class is in another Worker, which is not here",
        )
        for each in entries
    ]


def value(binding: Binding, isolate: str) -> str:
    """The class by its name."""
    return f"durableObjectNamespace = {text(binding.target)}"
