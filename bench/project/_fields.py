"""Fields of wrangler's configuration: who reads which, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.project import Binding, bindings
from bench.project._names import shown

# Read by the bundler: handed on to wrangler as they are.
BUNDLED = (
    "rules", "alias", "define", "find_additional_modules", "base_dir", "minify",
    "jsx_factory", "jsx_fragment", "tsconfig", "keep_names", "preserve_file_names",
)  # fmt: skip
# Read here.
_READ = (
    "name",
    "main",
    "compatibility_date",
    "compatibility_flags",
    "vars",
    "migrations",
    "triggers",
)
# Known, and without a part in what a request costs.
_IDLE = (
    "$schema", "env", "account_id", "build", "dev", "workers_dev", "preview_urls",
    "route", "routes", "limits", "observability", "placement", "logpush",
    "upload_source_maps", "send_metrics", "usage_model", "site", "tail_consumers",
    "streaming_tail_consumers", "no_bundle", "pages_build_output_dir", "keep_vars",
    "first_party_worker", "legacy_env", "configPath", "userConfigPath", "topLevelName",
    "definedEnvironments", "dependencies_instrumentation", "python_modules", "secrets",
)  # fmt: skip
# Everything else is an environment's own.
INHERITED = frozenset({*BUNDLED, *_READ, *_IDLE, "assets"}) - {
    "vars",
    "define",
    "env",
}
_MOST = 1000  # bindings of one field that are looked at


def consumed(config: Mapping[str, Any], file: Path) -> Iterator[str]:
    """Names of the queues whose batches the Worker takes."""
    queues = config.get("queues", {})
    expect(isinstance(queues, dict), file, "queues", "an object")
    consumers = queues.get("consumers", [])
    expect(isinstance(consumers, list), file, "queues.consumers", "a list")
    for place, each in enumerate(consumers):
        field = f"queues.consumers[{place}]"
        expect(isinstance(each, dict), file, field, "an object")
        yield text(each, "queue", file, "", f"{field}.queue")


def scheduled(config: Mapping[str, Any], file: Path) -> Iterator[str]:
    """Schedules at which the Worker is woken."""
    triggers = config.get("triggers", {})
    expect(isinstance(triggers, dict), file, "triggers", "an object")
    crons = triggers.get("crons", [])
    expect(isinstance(crons, list) and all(isinstance(c, str) for c in crons),
           file, "triggers.crons", "a list of schedules")  # fmt: skip
    yield from crons


def sqlite(config: Mapping[str, Any], file: Path) -> Iterator[str]:
    """Classes of Durable Objects that were made with SQL, under their newest names."""
    migrations = config.get("migrations", [])
    expect(isinstance(migrations, list), file, "migrations", "a list")
    found: dict[str, None] = {}
    for place, each in enumerate(migrations):
        expect(isinstance(each, dict), file, f"migrations[{place}]", "an object")
        for name in _listed(each.get("new_sqlite_classes")):
            found[str(name)] = None
        for renamed in _listed(each.get("renamed_classes")):
            if isinstance(renamed, dict) and str(renamed.get("from")) in found:
                found[str(renamed.get("to"))] = None
    yield from found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def strange(config: Mapping[str, Any]) -> tuple[list[Binding], list[str]]:
    """Bindings in fields that no plug-in reads, and the fields that hold none."""
    known = {*BUNDLED, *_READ, *bindings.fields(), "queues"}
    found: list[Binding] = []
    idle = []
    for key, value in config.items():
        if key in known:
            continue
        names = [] if key in _IDLE else list(_bound(value))
        found += [Binding(n, shown(key), missing=_why(key)) for n in names]
        if not names and key not in ("$schema", "env"):
            idle.append(key)
    return found, idle


def _bound(value: Any) -> Iterator[str]:
    """Names that a field binds, however it is written: an object, or a list of them."""
    if isinstance(value, dict) and isinstance(value.get("bindings"), list):
        value = value["bindings"]
    for each in (value if isinstance(value, list) else [value])[:_MOST]:
        name = each.get("binding", each.get("name")) if isinstance(each, dict) else None
        if isinstance(name, str):
            yield shown(name)


def _why(key: str) -> str:
    return f"nothing here stands for {shown(key).replace('_', ' ')}"


def unique(found: Sequence[Binding], file: Path) -> None:
    """Raise UserError where two bindings have one name."""
    seen: set[str] = set()
    for each in found:
        if each.name in seen:
            raise UserError(
                f"two bindings are called {shown(each.name)!r}",
                file=file,
                field=each.kind,
                remedy="give each a name of its own",
            )
        seen.add(each.name)


def text(
    config: Mapping[str, Any], key: str, file: Path, default: str, field: str = ""
) -> str:
    """The text under ``key``. Raises UserError for anything else, and for none."""
    value = config.get(key, default)
    expect(isinstance(value, str) and value, file, field or key, "a text")
    return str(value)


def expect(holds: object, file: Path, field: str | None, what: str) -> None:
    """Raise UserError that asks for ``what`` in ``field`` unless it holds."""
    if not holds:
        raise UserError(
            f"is not {what}", file=file, field=field, remedy=f"write {what} there"
        )
