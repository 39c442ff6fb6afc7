"""Vectorize indexes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from bench.project import Binding
from bench.project._seeds import read_ndjson
from bench.project.bindings._values import Name, Target, wrapped
from bench.workerd.config import text

FIELD = "vectorize"
NOTE = (
    "a real index in memory with as many dimensions as its seed has, 1,536 without "
    "one; changes are visible at once"
)
SERVICE = "vectorize"


class Entry(msgspec.Struct):
    """One index."""

    binding: Name
    index_name: Target = ""


def read(entries: list[Entry], name: str) -> list[Binding]:
    """One binding each."""
    return [Binding(each.binding, "vectorize", each.index_name) for each in entries]


def value(binding: Binding, isolate: str) -> str:
    """Vectorize's own module in workerd, version 2, over the service."""
    inner = {
        "indexId": f"text = {text(binding.target)}",
        "indexVersion": 'text = "v2"',
        "useNdJson": 'json = "true"',
    }
    return wrapped(binding, "vectorize-api", inner)


def seed(binding: Binding, path: Path) -> Any:
    """Vectors a line, as ``wrangler vectorize insert --file`` takes them."""
    return {"vectors": read_ndjson(path, "vectors")}
