"""Who is killed: one file each, found by listing this folder."""

from __future__ import annotations

from types import ModuleType

from bench import registry


def victims() -> dict[str, ModuleType]:
    """The victims by name, in alphabetical order."""
    return registry.load(__name__, ("WORK", "EXITS", "find"))
