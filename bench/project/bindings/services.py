"""Service bindings: a Worker's own entry points; another Worker is not there."""

from __future__ import annotations

import msgspec

from bench.project import Binding
from bench.project.bindings._values import Name, Target
from bench.workerd.config import text

FIELD = "services"
NOTE = "an entry point of the Worker itself, in the same isolate"
SERVICE = None


class Entry(msgspec.Struct):
    """One binding to a Worker."""

    binding: Name
    service: Target
    entrypoint: Target = ""


def read(entries: list[Entry], name: str) -> list[Binding]:
    """One binding each; one to another Worker is missing."""
    return [
        Binding(
            each.binding,
            "services",
            each.service,
            {"entrypoint": each.entrypoint},
            "" if each.service == name else "it is another Worker, which is not here",
        )
        for each in entries
    ]


def value(binding: Binding, isolate: str) -> str:
    """The isolate itself."""
    entry = binding.details["entrypoint"]
    named = f", entrypoint = {text(entry)}" if entry else ""
    return f"service = (name = {text(isolate)}{named})"
