"""Whether two JSON values are the same, and if not, where they first differ.

Values may be nested more deeply than Python recurses, so nothing here recurses.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Iterable
from typing import Any

_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_LAST_INDEX = 2**32 - 2  # ECMAScript, "array index"
_SHOWN = 40  # characters of a value, of a key and of both ends of a path
_LONG = 1000  # bits of an integer whose digits would cost more than they tell
Path = tuple[Any, ...]  # (path of the parent, key or index); () at the top


def why_different(
    expected: Any, found: Any, *, javascript: bool = False, digits: bool = False
) -> str:
    """'' where equal, else a sentence such as ``$.a[3]: 1 instead of 1.0``.

    Equal are values of the same types with the same keys in the same order; -0.0 is not
    0.0, and NaN is NaN. With ``javascript`` they are compared as JavaScript has them:
    all numbers are doubles, there is one zero, and keys that look like an array index
    come first. With ``digits`` too, an integer must have kept its value all the same.
    """
    left: list[tuple[Path, Any, Any]] = [((), expected, found)]
    while left:
        path, a, b = left.pop()
        if isinstance(a, dict) and type(b) is dict:
            keys = _in_order(a) if javascript else list(a)
            if keys != list(b):
                return f"{_in_words(path)}: {_keys(keys, list(b))}"
            left += [((path, key), a[key], b[key]) for key in reversed(keys)]
        elif isinstance(a, list) and type(b) is list:
            if len(a) != len(b):
                return f"{_in_words(path)}: {len(b)} items instead of {len(a)}"
            left += [((path, n), a[n], b[n]) for n in reversed(range(len(a)))]
        elif not _same(a, b, javascript, digits):
            return f"{_in_words(path)}: {short(b)} instead of {short(a)}"
    return ""


def short(value: Any) -> str:
    """A JSON value in some forty characters; of another one its type."""
    if isinstance(value, int) and value.bit_length() > _LONG:
        return f"an integer of {value.bit_length():,} bits"
    if value is not None and type(value) not in (str, int, float, bool, dict, list):
        return f"a {type(value).__name__}"
    if not isinstance(value, dict | list):
        return _cut(repr(value))
    try:
        # Not repr: the value may be nested more deeply than that goes.
        return _cut(reprlib.repr(value))
    except ValueError:  # a very long integer in it
        return "an object" if isinstance(value, dict) else "an array"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _same(a: Any, b: Any, javascript: bool, digits: bool) -> bool:
    if javascript and _is_number(a) and _is_number(b):
        if digits and isinstance(a, int):
            return bool(a == b)
        a, b = _double(a), _double(b)
        return a == b or (math.isnan(a) and math.isnan(b))
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        return a == b and math.copysign(1, a) == math.copysign(1, b)
    return bool(a == b) and not isinstance(a, dict | list)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _in_order(keys: Iterable[str]) -> list[str]:
    """Keys as a JavaScript object lists them."""
    keys = list(keys)
    indices = [key for key in keys if _is_index(key)]
    return sorted(indices, key=int) + [key for key in keys if not _is_index(key)]


def _is_index(key: str) -> bool:
    return _INDEX.fullmatch(key) is not None and int(key) <= _LAST_INDEX


def _keys(expected: list[str], found: list[str]) -> str:
    lacking = [key for key in expected if key not in found]
    added = [key for key in found if key not in expected]
    if lacking:
        return f"lacks the key {short(lacking[0])}"
    if added:
        return f"has a key {short(added[0])} that should not be there"
    return "has its keys in another order"


def _in_words(path: Path) -> str:
    parts = []
    while path:
        path, part = path
        parts.append(f"[{part}]" if isinstance(part, int) else f".{part}")
    text = "$" + "".join(reversed(parts))
    if len(text) > 2 * _SHOWN:
        text = f"{text[:_SHOWN]}...{text[-_SHOWN:]}"
    return text.encode("ascii", "backslashreplace").decode()
