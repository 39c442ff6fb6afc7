"""What is wrong with a JSON text, and at which path.

Parsers disagree on duplicate keys, NaN, numbers beyond a double and deep nesting: one
takes the last value, another the first, a third crashes. A measurement that compares
parsers must not see such input, so it is refused first, with the place named.
"""

from __future__ import annotations

import json
import math
import re
from typing import NamedTuple, NoReturn

DEEPEST = 64
"""Levels of nesting that are accepted; a Deepgram response has eight."""

_LONGEST_PATH = 120
"""Characters of a path that are shown; the middle of a longer one is left out."""

_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)'
_STRINGS = re.compile(_STRING.encode(), re.DOTALL)
_NOT_BRACKETS = re.compile(rb"[^\[\]{}]+")
_TOKENS = re.compile(rf"{_STRING}|[\[\]{{}},:]|[^\s\[\]{{}},:\"]+", re.DOTALL)
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


class Fault(NamedTuple):
    """One thing that is wrong, and the path of its value (empty at the top)."""

    path: str
    message: str


class _RefusedError(Exception):
    """Raised by a hook of the decoder, which does not know the path."""


def find(data: bytes, text: str) -> Fault | None:
    """The first fault of ``text``, which is ``data`` decoded, or None.

    The standard decoder checks with hooks that keep nothing, at about 50 MB/s; only a
    text that has a fault is walked again, slowly, for its path. Raises
    json.JSONDecodeError for what is not JSON at all.
    """
    if _depth(data) > DEEPEST:
        return _locate(text)
    try:
        json.loads(
            text,
            object_pairs_hook=_unique,
            parse_float=_finite,
            parse_int=_finite,
            parse_constant=_refuse,
        )
    except _RefusedError:
        return _locate(text)
    return _locate(text) if _HALF_PAIR.search(data) else None


def _depth(data: bytes) -> int:
    """Deepest nesting of brackets outside strings."""
    deepest = level = 0
    for bracket in _NOT_BRACKETS.sub(b"", _STRINGS.sub(b"", data)):
        level += 1 if bracket in b"[{" else -1
        deepest = max(deepest, level)
    return deepest


def _unique(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise _RefusedError


def _finite(number: str) -> None:
    if math.isinf(float(number)):
        raise _RefusedError


def _refuse(_: str) -> NoReturn:
    raise _RefusedError


class _Level:
    """An open object or array: what was seen in it so far."""

    def __init__(self, opened: str) -> None:
        self.is_object = opened == "{"
        self.keys: set[str] = set()
        self.key: str | None = None
        self.index = 0

    def step(self) -> str:
        """The last step of a path to the current value."""
        if self.is_object:
            return "" if self.key is None else f".{self.key}"
        return f"[{self.index}]"


def _locate(text: str) -> Fault | None:
    """The first fault in reading order, by a walk over the tokens."""
    levels: list[_Level] = []
    for match in _TOKENS.finditer(text):
        message = _step(levels, match.group())
        if message is not None:
            return Fault(_path(levels), message)
    return None


def _path(levels: list[_Level]) -> str:
    path = "".join(level.step() for level in levels).removeprefix(".")
    if len(path) <= _LONGEST_PATH:
        return path
    half = _LONGEST_PATH // 2
    return f"{path[:half]}...{path[-half:]}"


def _step(levels: list[_Level], piece: str) -> str | None:
    """Follow one piece; the message of the fault that it is, if it is one."""
    level = levels[-1] if levels else None
    if piece in "[{":
        if len(levels) == DEEPEST:
            return f"is nested more than {DEEPEST} levels deep"
        levels.append(_Level(piece))
    elif piece in "]}":
        if levels:
            levels.pop()
    elif piece == ",":
        if level is not None:
            level.index += 1
            level.key = None
    elif piece.startswith('"'):
        return _string(level, piece)
    elif piece != ":":
        return _number(piece)
    return None


def _string(level: _Level | None, piece: str) -> str | None:
    try:
        value: str = json.loads(piece)
        value.encode()
    except UnicodeEncodeError:
        return "holds half of a surrogate pair (an incomplete \\u escape)"
    except ValueError:  # a text that is not JSON is reported by the decoder
        return None
    if level is None or not level.is_object or level.key is not None:
        return None
    level.key = value
    if value in level.keys:
        return "occurs twice in its object"
    level.keys.add(value)
    return None


def _number(piece: str) -> str | None:
    if piece in ("NaN", "Infinity", "-Infinity"):
        return f"is {piece}, which JSON does not have"
    try:
        too_large = math.isinf(float(piece))
    except ValueError:  # true, false, null
        return None
    return "is a number beyond the range of a double" if too_large else None
