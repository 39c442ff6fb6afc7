"""wrangler's configuration, read as wrangler reads it: files, environments, variables.

Fields and their inheritance follow workers-sdk, packages/wrangler/src/config (read
2026-11): what lies outside a project is not inherited by an environment, so that a
staging Worker never writes into production's database.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from bench.errors import UserError
from bench.files import read_input
from bench.project import Project, _fields, bindings
from bench.project._dotenv import read as read_secrets
from bench.project._names import shown

NAMES = ("wrangler.json", "wrangler.jsonc", "wrangler.toml")
"""In the order in which wrangler looks for them."""
LARGEST = 256 * 1024  # bytes; what reads comments in JSON is slow
_REDIRECT = ".wrangler/deploy/config.json"


def load(folder: Path, env: str | None = None) -> Project:
    """The project in ``folder``, in the environment ``env`` where one is named.

    Raises UserError that names file and field where there is no configuration, it is
    malformed, or it names files that lie outside the folder.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        raise UserError(
            "is not a folder", file=folder, remedy="name the folder of a Worker project"
        )
    file = _found(folder)
    whole = _parsed(file)
    config = _of_environment(whole, env, file)
    name = _fields.text(config, "name", file, "worker")
    if env and "name" not in (whole.get("env") or {}).get(env, {}):
        name = f"{name}-{env}"
    flags = config.get("compatibility_flags", [])
    _fields.expect(isinstance(flags, list) and all(isinstance(f, str) for f in flags),
            file, "compatibility_flags", "a list of names")  # fmt: skip
    variables = config.get("vars", {})
    _fields.expect(isinstance(variables, dict), file, "vars", "an object")
    provided = bindings.read(config, name, file)
    strange, idle = _fields.strange(config)
    found = [*provided, *strange]
    _fields.unique(found, file)
    return Project(
        folder=folder,
        file=file,
        name=shown(name),
        main=_main(config, folder, file),
        compatibility_date=_date(config, file),
        compatibility_flags=tuple(flags),
        variables=variables,
        secrets=read_secrets(folder, env),
        bindings=tuple(found),
        consumers=tuple(_fields.consumed(config, file)),
        crons=tuple(_fields.scheduled(config, file)),
        sqlite=frozenset(_fields.sqlite(config, file)),
        settings=_settings(config, folder, file),
        ignored=tuple(shown(each) for each in idle),
    )


def environments(folder: Path) -> list[str]:
    """Names of the environments of the project in ``folder``."""
    found = _parsed(_found(folder)).get("env")
    return list(found) if isinstance(found, dict) else []


def inside(folder: Path, name: str, file: Path, field: str) -> Path:
    """The path ``name`` of a configuration, which must not lead out of ``folder``."""
    path = None if "\0" in name else (folder / name).resolve()
    if path is None or not path.is_relative_to(folder.resolve()):
        raise UserError(
            "leads out of the project",
            file=file,
            field=field,
            remedy="name a file in the project's folder",
        )
    return path


def _found(folder: Path) -> Path:
    for name in NAMES:
        if (folder / name).is_file():
            return folder / name
    remedy = f"name a folder with one of {', '.join(NAMES)}"
    if (folder / _REDIRECT).is_file():
        remedy = f"name the folder that {_REDIRECT} leads to"
    raise UserError("holds no Worker project", file=folder, remedy=remedy)


def _parsed(file: Path) -> dict[str, Any]:
    data = read_input(file, what="a configuration of wrangler", limit=LARGEST)
    try:
        config = _decoded(file, data)
    except (ValueError, RecursionError) as error:
        # What a parser quotes may be long, or hold what is not to be shown.
        why = shown(str(error) or "it is nested too deeply")
        raise UserError(
            f"cannot be read: {why}", file=file, remedy="correct its syntax"
        ) from error
    _fields.expect(isinstance(config, dict), file, None, "an object")
    return dict(config)


def _decoded(file: Path, data: bytes) -> Any:
    if file.suffix == ".toml":
        return tomllib.loads(data.decode())
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        import json5

        return json5.loads(data.decode())


def _of_environment(
    config: dict[str, Any], env: str | None, file: Path
) -> dict[str, Any]:
    environments = config.get("env") or {}
    _fields.expect(isinstance(environments, dict), file, "env", "an object")
    if env is None:
        return config
    if env not in environments:
        known = ", ".join(map(shown, environments)) or "none"
        raise UserError(
            f"has no environment {env!r}",
            file=file,
            field="--env",
            remedy=f"name one that it has: {known}",
        )
    own: dict[str, Any] = environments[env]
    _fields.expect(isinstance(own, dict), file, f"env.{env}", "an object")
    return {
        key: value for key, value in config.items() if key in _fields.INHERITED
    } | own


def _main(config: Mapping[str, Any], folder: Path, file: Path) -> Path:
    if "main" not in config:
        raise UserError(
            "is missing: this project has no Worker to measure",
            file=file,
            field="main",
            remedy="name its entry, such as src/index.ts",
        )
    if config.get("no_bundle"):
        raise UserError(
            "is not supported", file=file, field="no_bundle", remedy="leave it out"
        )
    main = inside(folder, _fields.text(config, "main", file, ""), file, "main")
    if not main.is_file():
        remedy = "name its entry"
        if config.get("build"):
            remedy = "build the project first: none of its scripts are run here"
        raise UserError("does not exist", file=file, field="main", remedy=remedy)
    if main.suffix == ".py":
        raise UserError(
            "is a Python Worker, which cannot be measured here",
            file=file,
            field="main",
            remedy="name a Worker in JavaScript or TypeScript",
        )
    return main


def _date(config: Mapping[str, Any], file: Path) -> str:
    date = str(config.get("compatibility_date", ""))
    digits = date.split("-")
    if [len(each) for each in digits] != [4, 2, 2] or not all(
        each.isascii() and each.isdecimal() for each in digits
    ):
        raise UserError(
            "is missing" if not date else "is not a date",
            file=file,
            field="compatibility_date",
            remedy='write a date such as "2026-11-17"',
        )
    return date


def _settings(config: Mapping[str, Any], folder: Path, file: Path) -> dict[str, Any]:
    """What the bundler reads, with paths that are absolute."""
    found = {key: config[key] for key in _fields.BUNDLED if key in config}
    for key in ("tsconfig", "base_dir"):
        if key in found:
            found[key] = str(
                inside(folder, _fields.text(found, key, file, ""), file, key)
            )
    return found


def relative(path: Path, folder: Path) -> str:
    """``path`` as seen from ``folder``, with forward slashes."""
    return os.path.relpath(path, folder.resolve()).replace(os.sep, "/")
