"""Files that parameters name: where they are, and the hash of what is in them.

A cell may run in another folder, or on another machine with the same checkout. So what
lies in the checkout is named from there, and what lies elsewhere by its whole path.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import click

from bench.errors import UserError
from bench.files import sha256
from bench.paths import ROOT
from bench.sweep import _arguments, _verbs

# What is installed or derived, and not written by hand.
_DERIVED = {"node_modules", "__pycache__"}
# Hidden files that are written by hand: the variables of a Worker project.
_VARIABLES = (".dev.vars", ".env")
# Verbs that read the latest run where none is named, which tomorrow is another one.
_OF_A_RUN = {"capacity", "claims", "matrix"}


def of_verb(command: click.Command, given: dict[str, Any]) -> dict[str, Any]:
    """``given`` with every path in it as described above.

    Where a verb would look for the latest run, that run is named.
    """
    known = _arguments.named(command)
    if command.name in _OF_A_RUN and "run" not in given:
        given = {"run": str(_latest())} | given
    return {
        name: _each(value, _portable if _named(known, name) else _assigned)
        for name, value in given.items()
    }


def of_notebook(notebook: str, given: dict[str, Any]) -> dict[str, Any]:
    """``given`` with the latest run where the notebook would look for one.

    Paths of notebooks count from the checkout already.
    """
    from bench.batch import parameters

    declared = [
        name
        for path in parameters.notebooks()
        if path.stem == notebook
        for name in parameters.inspect(path)
    ]
    if "run" in declared and not given.get("run"):
        return given | {"run": _portable(str(_latest()))}
    return given


def digests(
    verb: str, parameters: dict[str, Any], file: str, field: str
) -> dict[str, Any]:
    """``parameters`` with the name and hash of each file or folder for its path.

    Raises UserError, naming ``file`` and ``field``, where a path of a verb leads
    nowhere.
    """
    known = _arguments.named(_verbs.command(verb, file)) if verb else {}

    def there(text: str) -> Any:
        path = Path(ROOT, text)
        if not path.exists():
            raise UserError(
                f"{text} does not exist",
                file=file,
                field=field,
                remedy="name a file or folder, from where the command is typed",
            )
        return _found(path)

    return {
        name: _each(value, there if _named(known, name) else _perhaps)
        for name, value in parameters.items()
    }


def digest(path: Path) -> str:
    """SHA-256 of a file; of a folder, over names and hashes of what is in it.

    Folders of what is installed do not count, nor do hidden files but variables.
    """
    if path.is_file():
        return sha256(path.read_bytes())
    total = hashlib.sha256()
    for name, each in sorted(_files(path)):
        total.update(f"{name}\0{sha256(each.read_bytes())}\n".encode())
    return total.hexdigest()


def _found(path: Path) -> dict[str, str]:
    """What stands for a path in a key. Thousands of cells may name the same one."""
    return {"name": path.name, "sha256": _digest_at(path, tuple(times(path)))}


@lru_cache
def _digest_at(path: Path, written: tuple[int, ...]) -> str:
    return digest(path)


@cache
def _latest() -> Path:
    """The run that verbs read where none is named; it stays so for all cells."""
    from bench.verdict import evidence

    return evidence.chosen(None).path


def times(path: Path) -> list[int]:
    """When each of the files that ``digest`` reads was written, in ns."""
    files = [path] if path.is_file() else [each for _, each in _files(path)]
    return [each.stat().st_mtime_ns for each in files]


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for here, folders, names in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if name not in _DERIVED and not name.startswith(".")
        ]
        for name in names:
            path = Path(here, name)
            hidden = name.startswith(".") and not name.startswith(_VARIABLES)
            if not hidden and path.is_file():
                yield path.relative_to(folder).as_posix(), path


def _named(known: dict[str, click.Parameter], name: str) -> bool:
    return name in known and _arguments.is_path(known[name])


def _each(value: Any, change: Any) -> Any:
    """``value`` with ``change`` applied to every text in it."""
    if isinstance(value, dict):
        return {name: _each(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_each(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def _portable(text: str) -> str:
    path = Path(os.path.abspath(text))  # noqa: PTH100 - a link keeps its own name
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def _assigned(text: str) -> str:
    """``NAME=file`` with the whole path of a file that is there."""
    name, equals, path = text.partition("=")
    if equals and _is_file(path):
        return f"{name}={Path(path).absolute()}"
    return text


def _perhaps(text: str) -> Any:
    """The hash of a file or run beside a text that names one, as those of notebooks do
    without saying so."""
    name, equals, path = text.rpartition("=")
    is_run = _is_file(ROOT / path / "manifest.json")
    if not path or not (_is_file(ROOT / path) or is_run):
        return text
    found = _found(ROOT / path)
    return {"assigned": name, **found} if equals else found


def _is_file(path: str | Path) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False
