"""Cutting event streams into chunks and events.

Recorders drop chunk boundaries, so a replayed stream must choose them: whole events,
a fixed number of bytes, or random sizes.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable

Split = Callable[[bytes], list[bytes]]

_BYTES = re.compile(r"bytes:([1-9][0-9]*)")
SPLIT_PATTERN = rf"^(event|random|{_BYTES.pattern})$"
_MULTIBYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")
_DATA = re.compile(rb"^data: ?(\{.*)$", re.MULTILINE)


def events(stream: bytes) -> list[bytes]:
    """The stream cut after each blank line; joined, it is the stream again."""
    return [part for part in re.split(rb"(?<=\n\n)", stream) if part]


def splitter(name: str, rng: random.Random) -> Split:
    """The split called ``name``: ``event``, ``random`` or ``bytes:N``.

    Random chunks have 1 to 200 bytes, so that boundaries fall inside events, lines
    and characters.
    """
    if name == "event":
        return events
    if name == "random":
        return lambda body: _at(body, _random_cuts(len(body), rng))
    size = int(name.removeprefix("bytes:"))
    return lambda body: _at(body, list(range(size, len(body), size)))


def inside_characters(body: bytes) -> list[bytes]:
    """Chunks whose every boundary lies inside a character of two bytes or more."""
    return _at(body, [match.start() + 1 for match in _MULTIBYTE.finditer(body)])


def data_lines(event: bytes) -> re.Match[bytes] | None:
    """The JSON of an event's data line as group 1."""
    return _DATA.search(event)


def _random_cuts(length: int, rng: random.Random) -> list[int]:
    cuts: list[int] = []
    position = rng.randint(1, 200)
    while position < length:
        cuts.append(position)
        position += rng.randint(1, 200)
    return cuts


def _at(body: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *cuts, len(body)]
    return [body[a:b] for a, b in itertools.pairwise(edges) if a < b]
