"""Service bindings: a Worker's own entry points, and other Workers (`_neighbours`)."""

from __future__ import annotations

import msgspec

from bench.project import Binding
from bench.project.bindings import service
from bench.project.bindings._values import Name, Target
from bench.workerd.config import text

FIELD = "services"
NOTE = "an entry point of the Worker itself, in the same isolate: what it does counts"
BESIDE = (
    "another Worker, in a workerd beside: what it spends counts for it and not here"
)
SERVICE = None


class Entry(msgspec.Struct):
    """One binding to a Worker."""

    binding: Name
    service: Target
    entrypoint: Target = ""


def read(entries: list[Entry], name: str) -> list[Binding]:
    """One binding each; one to another Worker is missing until that is named."""
    return [
        Binding(
            each.binding,
            "services",
            each.service,
            {"entrypoint": each.entrypoint},
            ""
            if each.service == name
            else f"it is another Worker: --service {each.binding}=DIR says where it is",
        )
        for each in entries
    ]


def note(binding: Binding) -> str:
    """What stands behind this one."""
    return BESIDE if binding.details.get("outside") else NOTE


def value(binding: Binding, isolate: str) -> str:
    """The isolate itself, another one of the process, or the socket of one beside."""
    if binding.details.get("outside"):
        return f"service = {text(service(binding))}"
    entry = binding.details["entrypoint"]
    named = f", entrypoint = {text(entry)}" if entry else ""
    at = binding.details.get("at", isolate)
    return f"service = (name = {text(at)}{named})"
