"""Workers AI."""

from __future__ import annotations

import msgspec

from bench.project import Binding
from bench.project.bindings._values import Name, wrapped

FIELD = "ai"
NOTE = "embeddings that hash words, and a recorded stream in the place of every answer"
SERVICE = "ai"


class Entry(msgspec.Struct):
    """The one binding."""

    binding: Name


def read(entries: list[Entry], name: str) -> list[Binding]:
    """One binding."""
    return [Binding(each.binding, "ai") for each in entries]


def value(binding: Binding, isolate: str) -> str:
    """The module of workerd, over the service."""
    return wrapped(binding, "ai-api")
