"""D1 databases, on real SQLite, with the project's migrations applied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from bench.project import Binding
from bench.project._seeds import read_text
from bench.project.bindings._values import Name, Target, wrapped

FIELD = "d1_databases"
NOTE = "SQLite in memory, without a replica; migrations are applied in their order"
SERVICE = "d1"


class Entry(msgspec.Struct):
    """One database."""

    binding: Name
    database_name: Target = ""
    migrations_dir: Target = "migrations"


def read(entries: list[Entry], name: str) -> list[Binding]:
    """One binding each; with the folder of its migrations."""
    return [
        Binding(
            each.binding,
            "d1",
            each.database_name,
            {"migrations": each.migrations_dir},
        )
        for each in entries
    ]


def value(binding: Binding, isolate: str) -> str:
    """D1's own module in workerd, over the service."""
    return wrapped(binding, "d1-api")


def seed(binding: Binding, path: Path) -> Any:
    """A script of SQL."""
    return {"sql": read_text(path, "a script of SQL")}
