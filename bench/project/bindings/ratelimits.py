"""Rate limits, which let everything through."""

from __future__ import annotations

from typing import Annotated

import msgspec

from bench.project import Binding
from bench.project.bindings._values import Name

FIELD = "ratelimits"
NOTE = "everything is let through, because a replay is faster than any visitor"
SERVICE = None
MODULE = "workbench:ratelimit"
SOURCE = "export default () => ({ limit: async () => ({ success: true }) });\n"
"""The module of an extension that makes the binding; on Cloudflare it awaits no network
either (Cloudflare docs, rate limiting binding, commit 0c50ffa0)."""


class Entry(msgspec.Struct):
    """One limit."""

    name: Name
    namespace_id: Annotated[str | int, msgspec.Meta()] = ""


def read(entries: list[Entry], name: str) -> list[Binding]:
    """One binding each."""
    return [Binding(e.name, "ratelimits", str(e.namespace_id)) for e in entries]


def value(binding: Binding, isolate: str) -> str:
    """The extension's module, which needs nothing else."""
    return f'wrapped = (moduleName = "{MODULE}", innerBindings = [])'
