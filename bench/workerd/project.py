"""A Workers project as its wrangler.jsonc describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench.errors import UserError

# Bindings that the loopback services can stand behind, and settings that change none.
_BINDINGS = {"kv_namespaces", "d1_databases", "r2_buckets", "vectorize", "queues"}
_SETTINGS = {
    "$schema", "name", "main", "compatibility_date", "compatibility_flags", "vars",
    "observability", "limits",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Project:
    """What a Worker needs to start. ``bindings`` maps a name to (kind, details)."""

    folder: Path
    main: Path
    compatibility_date: str
    compatibility_flags: tuple[str, ...]
    bindings: Mapping[str, tuple[str, str]]
    variables: Mapping[str, Any]
    queue: str  # that it consumes, or empty


@cache
def load(folder: Path) -> Project:
    """The project in ``folder``.

    Raises UserError that names the field when wrangler.jsonc is absent, malformed or
    asks for what no loopback service provides.
    """
    file = folder / "wrangler.jsonc"
    config = _read(file)
    strange = sorted(set(config) - _BINDINGS - _SETTINGS)
    if strange:
        raise UserError(
            "cannot be provided here",
            file=file,
            field=strange[0],
            remedy=f"leave it out; known are {', '.join(sorted(_BINDINGS))}",
        )
    try:
        return Project(
            folder,
            folder / config["main"],
            str(config["compatibility_date"]),
            tuple(config.get("compatibility_flags", ())),
            dict(_bindings(config)),
            config.get("vars", {}),
            _consumed(config),
        )
    except KeyError as error:
        raise UserError(
            "is missing", file=file, field=str(error.args[0]), remedy="add it"
        ) from error


def _read(file: Path) -> dict[str, Any]:
    import json5

    try:
        config = json5.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"cannot be read: {error}", file=file, remedy="write a wrangler.jsonc"
        ) from error
    if not isinstance(config, dict):
        raise UserError("is not an object", file=file, remedy="see wrangler's docs")
    return config


def _bindings(config: dict[str, Any]) -> list[tuple[str, tuple[str, str]]]:
    kinds = {
        "kv_namespaces": ("kv", "id"),
        "d1_databases": ("d1", "database_name"),
        "r2_buckets": ("r2", "bucket_name"),
        "vectorize": ("vectorize", "index_name"),
    }
    found = [
        (entry["binding"], (kind, str(entry.get(name, ""))))
        for field, (kind, name) in kinds.items()
        for entry in config.get(field, ())
    ]
    producers = config.get("queues", {}).get("producers", ())
    return [*found, *((p["binding"], ("queue", p["queue"])) for p in producers)]


def _consumed(config: dict[str, Any]) -> str:
    consumers = config.get("queues", {}).get("consumers", ())
    return str(consumers[0]["queue"]) if consumers else ""
