"""JSON objects one after another, as logs hold them, and what is wrong between them.

`wrangler tail --format json` prints objects over many lines with nothing in between,
Logpush one a line, exports an array. All of them are read the same way: objects follow
each other, with blanks and commas between. A line break inside a string is not JSON, so
an object that begins in the first column begins there for sure: after something broken,
reading goes on with the next one.

No failure of a decoder leaves this file: such an exception carries the whole text.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bench.errors import UserError
from bench.files import read_input

LARGEST = 256 * 2**20
_HEAD = 2**20
_GZIP, _BOM = b"\x1f\x8b", b"\xef\xbb\xbf"
# What Windows PowerShell writes for `wrangler tail > file`.
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_START = re.compile(rb"^[\[{]", re.MULTILINE)
_BETWEEN = re.compile(r"[\s,\[\]\x1e]*")
_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Bad:
    """What cannot be read: where it begins (from 1), why, and how many bytes it is.

    ``truncated`` is the last object of a file that was still being written.
    """

    line: int
    why: str
    size: int = 0
    truncated: bool = False


class Object(NamedTuple):
    """One object of a log, and the line that it begins in."""

    line: int
    value: dict[str, Any]


class Head(NamedTuple):
    """The first MiB of a file, and its first object, if it has one."""

    data: bytes
    first: dict[str, Any] | None


def content(path: Path) -> bytes:
    """The bytes of a file, unpacked where it is gzip. Raises UserError as
    ``read_input`` does, and where it is damaged or unpacks to more than that."""
    data = read_input(path, what="a log", limit=LARGEST)
    if data.startswith(_GZIP):
        data = _unpacked(data) or b""
        if not data:
            raise UserError(
                f"is damaged, or unpacks to nothing or to more than {LARGEST:,} bytes",
                file=path,
                remedy="fetch it again, or unpack and split it",
            )
    if data.startswith(_UTF16):
        data = data.decode("utf-16", "replace").encode()
    return data.removeprefix(_BOM)


def _unpacked(data: bytes) -> bytes | None:
    """All members of a gzip file, None where they are damaged or too large."""
    parts: list[bytes] = []
    left = LARGEST
    try:
        while data:
            member = zlib.decompressobj(wbits=31)
            parts.append(member.decompress(data, left))
            left -= len(parts[-1])
            if not member.eof or left <= 0:
                return None
            data = member.unused_data.lstrip(b"\0")
    except zlib.error:
        return None
    return b"".join(parts)


def head(data: bytes) -> Head:
    """What a source recognises its files by."""
    start = data[:_HEAD]
    found = (each.value for each in objects(start) if isinstance(each, Object))
    return Head(start, next(found, None))


def objects(data: bytes) -> Iterator[Object | Bad]:
    """The objects of a text, and what is between them and is none, in their order."""
    starts = [found.start() for found in _START.finditer(data)]
    ends = [0, *starts] if not starts or starts[0] else starts
    line = 1
    for start, end in pairwise([*ends, len(data)]):
        chunk = data[start:end]
        for found in _of_chunk(chunk, last=end == len(data)):
            if isinstance(found, Object):
                yield Object(line + found.line, found.value)
            else:
                yield Bad(line + found.line, found.why, found.size, found.truncated)
        line += chunk.count(b"\n")


def _of_chunk(chunk: bytes, *, last: bool) -> Iterator[Object | Bad]:
    """Objects of what begins in the first column and goes on to the next such line."""
    value = _decoded(chunk)
    if isinstance(value, dict):
        yield Object(0, value)
    elif isinstance(value, list):
        for each in value:
            is_object = isinstance(each, dict)
            yield Object(0, each) if is_object else Bad(0, "is no object", 1)
    else:
        yield from _one_by_one(chunk.decode("utf-8", "replace"), last=last)


def _decoded(chunk: bytes) -> Any:
    """The value of a JSON text, None where it is none."""
    try:
        return orjson.loads(chunk)
    except orjson.JSONDecodeError:
        return None


def _one_by_one(text: str, *, last: bool) -> Iterator[Object | Bad]:
    place = line = counted = 0
    while (place := _after(_BETWEEN, text, place)) < len(text):
        line += text.count("\n", counted, place)
        counted = place
        found = _next(text, place)
        if found is not None:
            value, place = found
            yield Object(line, value)
            continue
        begins = _indent(text, place)
        end = _again(text, place, begins or "")
        alone = last and end == len(text) and begins is not None
        if alone and _unfinished(text, place):
            yield Bad(line, "is truncated", truncated=True)
            return
        why = "is not JSON" if text[place] == "{" else "is no object"
        yield Bad(line, why, end - place)
        place = end


def _after(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return place if found is None else found.end()


def _next(text: str, place: int) -> tuple[dict[str, Any], int] | None:
    """The object that begins at ``place`` and where it ends, None where none does."""
    if text[place] != "{":
        return None
    try:
        value, end = _DECODER.raw_decode(text, place)
    except (ValueError, RecursionError):
        return None
    return value, end


def _indent(text: str, place: int) -> str | None:
    """What stands before ``place`` in its line, None where that is more than blanks."""
    before = text[text.rfind("\n", 0, place) + 1 : place]
    return None if before.strip() else before


def _again(text: str, place: int, indent: str) -> int:
    """Where an object may begin after the one at ``place``, which is broken: in a line
    that is indented as that one's first."""
    after = text.find(f"\n{indent}{{", place)
    return len(text) if after < 0 else after + 1


def _unfinished(text: str, place: int) -> bool:
    """Whether brackets of the object at ``place`` are still open at the end."""
    if text[place] != "{":
        return False
    depth = 0
    for token in _TOKENS.finditer(text, place):
        if token[0][0] != '"':
            depth += 1 if token[0] in "[{" else -1
        if depth <= 0:
            return False
    return True
