"""The file that a trace is read from: checked, hashed, and streamed line by line."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from bench.errors import UserError
from bench.files import kind_of
from bench.traffic.formats._objects import objects

LONGEST = 4 * 2**20
"""Bytes of a line that are read. Workers keep at most 256 KB of logs a request."""
_HEAD = 2**20
_BOM = b"\xef\xbb\xbf"
_WHAT = "name a recording of traffic, or give a rate with --rate"
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
}
_MEANINGS = ("time", "context", "generated")


@dataclass(frozen=True, slots=True)
class Head:
    """How a file begins: the cells of its first line, if that is CSV, and the keys of
    its first JSON objects, if it has any."""

    columns: frozenset[str]
    keys: frozenset[str]
    is_json: bool


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read rows from, once. ``columns`` is what the user maps, if anything:
    the meaning (time, context, generated) to the name in the file."""

    path: Path
    stream: BinaryIO
    sha256: str
    head: Head
    columns: Mapping[str, str] | None

    def lines(self) -> Iterator[bytes | None]:
        """The lines with their ends; None for one longer than ``LONGEST``, of which
        no more than that is ever held."""
        readline = self.stream.readline
        while line := readline(LONGEST):
            if len(line) == LONGEST and not line.endswith(b"\n"):
                while (rest := readline(LONGEST)) and not rest.endswith(b"\n"):
                    pass
                yield None
            else:
                yield line


@contextmanager
def opened(path: Path, columns: Mapping[str, str] | None) -> Iterator[Source]:
    """The file ``path``, behind its byte order mark.

    Raises UserError for one that is missing, no file, unreadable, empty, compressed or
    UTF-16, and for ``columns`` that make no sense.
    """
    _check(columns)
    if not path.is_file():
        raise UserError(kind_of(path), file=path, remedy=_WHAT)
    try:
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            stream.seek(0)
            data = stream.read(_HEAD)
            _check_plain(data, path)
            stream.seek(len(_BOM) if data.startswith(_BOM) else 0)
            head = _head(data.removeprefix(_BOM))
            yield Source(path, stream, sha256, head, columns)
    except OSError as error:
        raise UserError(
            f"cannot be read: {error.strerror}",
            file=path,
            remedy="check the path and its permissions",
        ) from error


def _check(columns: Mapping[str, str] | None) -> None:
    if columns is None or (
        "time" in columns and all(columns.values()) and set(columns) <= set(_MEANINGS)
    ):
        return
    raise UserError(
        f"needs time=NAME, and may have others of {', '.join(_MEANINGS)}",
        field="--columns",
        remedy="write it like time=ts,context=in,generated=out",
    )


def _check_plain(data: bytes, path: Path) -> None:
    if not data.strip():
        raise UserError("is empty", file=path, remedy=_WHAT)
    for magic, name in _PACKED.items():
        if data.startswith(magic):
            raise UserError(
                f"is compressed ({name})",
                file=path,
                remedy="decompress it first; only plain text is read",
            )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError("is UTF-16", file=path, remedy="save it as UTF-8")


def _head(data: bytes) -> Head:
    line = data.split(b"\n", 1)[0].decode("utf-8", "replace")
    try:
        cells = next(csv.reader([line]), [])
    except csv.Error:
        cells = []
    found = [value for _, value in islice(objects(BytesIO(data)), 5)]
    return Head(
        columns=frozenset(cell.strip() for cell in cells),
        keys=frozenset(
            key for value in found if isinstance(value, dict) for key in value
        ),
        is_json=data.lstrip().startswith(b"{"),
    )
