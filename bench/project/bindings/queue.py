"""Queues that a Worker sends to."""

from __future__ import annotations

import msgspec

from bench.project import Binding
from bench.project.bindings._values import Name, Target, plain

FIELD = "queues.producers"
NOTE = "messages are kept and not delivered: replay a batch as a request of its own"
SERVICE = "queue"


class Entry(msgspec.Struct):
    """One producer."""

    binding: Name
    queue: Target = ""


def read(entries: list[Entry], name: str) -> list[Binding]:
    """One binding each."""
    return [Binding(each.binding, "queue", each.queue) for each in entries]


def value(binding: Binding, isolate: str) -> str:
    """Typed by workerd itself."""
    return plain(binding, "queue")
