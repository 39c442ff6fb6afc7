"""What production tells about the CPU of its requests, one file for each kind of log.

A source is a module of this folder; it defines

    NOTE              where such a file comes from, and what it can tell, in a sentence
    recognises(head)  whether a file with this head is one of its own
    read(data, requests) -> Reading   what it tells; ``requests`` is what the user says
                      that it covers, None unless NEEDS_REQUESTS

and may define ``NEEDS_REQUESTS = True``, where a file does not say how many requests it
is about. What counts is decided in one place, `_reading`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from bench import registry
from bench.errors import UserError
from bench.files import sha256
from bench.transfer.sources import _objects
from bench.transfer.sources._objects import Head
from bench.transfer.sources._reading import Reading, checked, together

__all__ = ["Head", "Reading", "load", "read"]


def load() -> dict[str, ModuleType]:
    """Sources by name. Raises BenchError that names the file of a malformed one."""
    return registry.load(__name__, ("NOTE", "recognises", "read"))


def read(
    paths: Sequence[Path], *, format: str | None = None, requests: int | None = None
) -> Reading:
    """What the files tell together; their format is seen by the head of each.

    Raises UserError for a file that none of the sources knows, for one in which more
    than 1 % cannot be read, for files of different kinds, for the same file twice, and
    where ``requests`` is missing or of no use.
    """
    found: list[Reading] = []
    seen: dict[str, Path] = {}
    for path in paths:
        data = _objects.content(path)
        twin = seen.setdefault(sha256(data), path)
        if twin is not path:
            raise UserError(
                "has the same content as another file that is given",
                file=path,
                remedy="name each log once; a request must not count twice",
            )
        name = _named(format) if format else _seen(path, data)
        if found and name != found[0].format:
            raise UserError(
                f"is of the kind {name}, and the first file {found[0].format}",
                file=path,
                remedy="calibrate with one kind at a time: two may tell of the same "
                "requests",
            )
        found.append(_read(path, data, name, requests))
    return together(found)


def _named(format: str) -> str:
    if format not in load():
        raise UserError(
            f"{format!r} is no kind of log",
            field="--format",
            remedy=f"name one of {', '.join(load())}",
        )
    return format


def _seen(path: Path, data: bytes) -> str:
    head = _objects.head(data)
    for name, source in load().items():
        if source.recognises(head):
            return name
    raise UserError(
        f"is none of {', '.join(load())}, as far as its head tells",
        file=path,
        remedy="name its kind with --format, or write it anew, for example with "
        "`wrangler tail --format json`",
    )


def _read(path: Path, data: bytes, name: str, requests: int | None) -> Reading:
    source = load()[name]
    wanted = bool(getattr(source, "NEEDS_REQUESTS", False))
    if wanted and requests is None:
        raise UserError(
            f"a file of the kind {name} does not say how many requests it covers",
            file=path,
            field="--requests",
            remedy="say how many the isolate served meanwhile: --requests N",
        )
    if requests is not None and not wanted:
        raise UserError(
            f"a file of the kind {name} says itself how many requests it covers",
            file=path,
            field="--requests",
            remedy="leave it out",
        )
    return checked(source.read(data, requests), name, path)
