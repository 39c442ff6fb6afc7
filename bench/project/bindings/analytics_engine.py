"""Analytics Engine datasets: what is written is taken and forgotten."""

from __future__ import annotations

import msgspec

from bench.project import Binding
from bench.project.bindings._values import Name, Target, plain

FIELD = "analytics_engine_datasets"
NOTE = "data points are taken and forgotten"
SERVICE = "_sink"


class Entry(msgspec.Struct):
    """One dataset."""

    binding: Name
    dataset: Target = ""


def read(entries: list[Entry], name: str) -> list[Binding]:
    """One binding each."""
    return [Binding(each.binding, "analytics_engine", each.dataset) for each in entries]


def value(binding: Binding, isolate: str) -> str:
    """Typed by workerd itself."""
    return plain(binding, "analyticsEngine")
