"""Files that a user's services are seeded from, read with errors that name them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson

from bench.errors import UserError
from bench.files import read_input

LARGEST = 256 * 2**20
"""Bytes of one seed file, and of all files of a folder together."""
MOST_FILES = 10_000


def read_text(path: Path, what: str) -> str:
    """A text file. Raises UserError where it is missing, too large or not UTF-8."""
    try:
        return read_input(path, what=what, limit=LARGEST).decode()
    except UnicodeDecodeError as error:
        raise UserError("is not UTF-8", file=path, remedy="save it as UTF-8") from error


def read_json(path: Path, kinds: tuple[type, ...], what: str) -> Any:
    """A JSON value of one of ``kinds``."""
    data = read_input(path, what=f"a JSON file of {what}", limit=LARGEST)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UserError(
            f"is not JSON: {error.msg}",
            file=path,
            field=f"line {error.lineno}",
            remedy="correct it",
        ) from error
    if not isinstance(value, kinds):
        raise UserError(
            f"holds no {what}", file=path, remedy="see `bench worker --help`"
        )
    return value


def read_ndjson(path: Path, what: str) -> list[dict[str, Any]]:
    """A JSON object a line; blank lines do not count."""
    found = []
    for number, line in enumerate(
        read_text(path, f"{what}, one a line").splitlines(), 1
    ):
        if not line.strip():
            continue
        try:
            value = orjson.loads(line)
        except json.JSONDecodeError:
            value = None
        if not isinstance(value, dict):
            raise UserError(
                "is not a JSON object",
                file=path,
                field=f"line {number}",
                remedy=f"write {what}, one a line",
            )
        found.append(value)
    return found


def read_folder(path: Path) -> dict[str, bytes]:
    """Every regular file below ``path`` by its relative path; links are not followed.

    Raises UserError where it is no folder, or holds more than fits into memory.
    """
    if not path.is_dir():
        raise UserError("is not a folder", file=path, remedy="name a folder of files")
    found: dict[str, bytes] = {}
    left = LARGEST
    for file in sorted(path.rglob("*")):
        if file.is_symlink() or not file.is_file():
            continue
        left -= file.stat().st_size
        if left < 0 or len(found) >= MOST_FILES:
            raise UserError(
                f"holds more than {MOST_FILES:,} files or {LARGEST // 2**20} MiB",
                file=path,
                remedy="name a folder with what the requests need",
            )
        found[file.relative_to(path).as_posix()] = file.read_bytes()
    return found
