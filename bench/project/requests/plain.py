"""A request a line: ``GET /path``, or the path alone; ``#`` begins a comment."""

from __future__ import annotations

from pathlib import Path

from bench.errors import UserError
from bench.path.http import Request
from bench.project.requests import Parsed
from bench.project.requests._checked import MOST_REQUESTS, Place, request

NOTE = "a plain list: GET /path a line"
SUFFIXES = (".txt",)


def fits(data: bytes) -> bool:
    """Text whose first line that says something has a path in it."""
    for line in data[:65_536].splitlines():
        text = line.strip()
        if text and not text.startswith(b"#"):
            return text[:1] == b"/" or (b"/" in text and text[:1].isalpha())
    return False


def parse(data: bytes, file: Path) -> Parsed:
    """A request for each line that is neither blank nor a comment."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise UserError(
            "is not UTF-8", file=file, remedy="write lines such as GET /path"
        ) from error
    found: list[Request] = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        place = Place(file, f"line {number}")
        if len(found) >= MOST_REQUESTS:
            raise place.wrong("", f"is beyond the {MOST_REQUESTS:,} that are read")
        first, _, rest = line.partition(" ")
        method, path = ("GET", line) if first.startswith("/") else (first, rest.strip())
        found.append(request(place, method, path, [], b""))
    return Parsed(found)
