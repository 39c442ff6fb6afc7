"""What a Worker is told about its own version."""

from __future__ import annotations

import json

import msgspec

from bench.project import Binding
from bench.project.bindings._values import Name
from bench.workerd.config import text

FIELD = "version_metadata"
NOTE = "a made-up version, always the same"
SERVICE = None
_VERSION = {
    "id": "00000000-0000-0000-0000-000000000000",
    "tag": "",
    "timestamp": "2026-01-01T00:00:00.000Z",
}


class Entry(msgspec.Struct):
    """The one binding."""

    binding: Name


def read(entries: list[Entry], name: str) -> list[Binding]:
    """One binding."""
    return [Binding(each.binding, "version_metadata") for each in entries]


def value(binding: Binding, isolate: str) -> str:
    """A plain value."""
    return f"json = {text(json.dumps(_VERSION))}"
