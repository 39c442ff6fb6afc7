"""R2 buckets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from bench.project import Binding
from bench.project._seeds import read_folder
from bench.project.bindings._values import Name, Target, plain

FIELD = "r2_buckets"
NOTE = "a bucket in memory; multipart uploads are not served"
SERVICE = "r2"


class Entry(msgspec.Struct):
    """One bucket."""

    binding: Name
    bucket_name: Target = ""


def read(entries: list[Entry], name: str) -> list[Binding]:
    """One binding each."""
    return [Binding(each.binding, "r2", each.bucket_name) for each in entries]


def value(binding: Binding, isolate: str) -> str:
    """Typed by workerd itself."""
    return plain(binding, "r2Bucket")


def seed(binding: Binding, path: Path) -> Any:
    """Every file of a folder, by its path in it."""
    return read_folder(path)
