"""JSON values on their way between processes, nested as deeply as they like.

``json`` recurses; a parser's answer to 100,000 opening brackets must not end the one
who reports it. A value becomes the flat list of what a walk over it meets: a scalar as
itself, a container as ``["list", length]`` or ``["dict", length]`` with its items, and
its keys, after it. The list is JSON, so that any language can make it.
"""

from __future__ import annotations

from typing import Any

_SAFE = 2**53 - 1  # integers up to here are exact in every language


def flat(value: Any) -> list[Any]:
    """``value`` as a flat list; what is no JSON value becomes ``["?", type]``."""
    tokens: list[Any] = []
    left = [value]
    while left:
        item = left.pop()
        if type(item) is dict:
            tokens.append(["dict", len(item)])
            left += [part for pair in reversed(item.items()) for part in pair[::-1]]
        elif type(item) is list:
            tokens.append(["list", len(item)])
            left += reversed(item)
        elif type(item) is int and abs(item) > _SAFE:
            tokens.append(["int", hex(item)])
        elif item is None or type(item) in (bool, int, float, str):
            tokens.append(item)
        else:
            tokens.append(["?", type(item).__name__])
    return tokens


def whole(tokens: list[Any]) -> Any:
    """The value that ``flat`` was given.

    What was no JSON value is an object of a type of that name, which equals nothing.
    """
    made: list[Any] = []
    # From the end on, the parts of a container are there before it is.
    for token in reversed(tokens):
        if not isinstance(token, list):
            made.append(token)
            continue
        kind, size = token
        if kind == "int":
            made.append(int(size, 16))
        elif kind == "list":
            made.append(_taken(made, size))
        elif kind == "dict":
            parts = _taken(made, 2 * size)
            made.append(dict(zip(parts[::2], parts[1::2], strict=True)))
        else:
            made.append(type(size, (), {})())
    (value,) = made
    return value


def _taken(made: list[Any], count: int) -> list[Any]:
    """The ``count`` values made last, the latest first."""
    taken = made[len(made) - count :][::-1]
    del made[len(made) - count :]
    return taken
