"""JSON as the path reads and writes it, one way everywhere.

Written: compact, keys in the order they were put, non-ASCII unescaped, lone surrogates
escaped: the bytes that ``JSON.stringify`` gives for the same strings and integers.
(Floats differ: Python prints ``1e-05`` and ``8.0`` where JavaScript prints ``0.00001``
and ``8``; bodies whose bytes are promised hold none.)

Read: strictly. Python's parser takes NaN and Infinity, which no other one does.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

_BOM = b"\xef\xbb\xbf"
_SURROGATE = re.compile("[\ud800-\udfff]")


def _reject(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
)
_DECODER = json.JSONDecoder(parse_constant=_reject)


def dumps(value: Any) -> bytes:
    """``value`` as compact UTF-8 JSON.

    Raises ValueError for NaN, infinities and nesting too deep.
    """
    try:
        text = _ENCODER.encode(value)
        return text.encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda lone: f"\\u{ord(lone[0]):04x}", text).encode()


def loads(data: bytes) -> Any:
    """The value of a JSON text in UTF-8, with or without a byte order mark.

    Raises ValueError for anything else: other encodings, NaN, nesting too deep.
    """
    return _decode(decode(data))


def loads_lenient(data: bytes) -> Any:
    """As ``loads``, but bytes that are not UTF-8 become U+FFFD, as browsers do."""
    return _decode(data.decode("utf-8", "replace"))


def decode(data: bytes) -> str:
    """The text of a JSON body, without a byte order mark; ValueError if not UTF-8."""
    return data.removeprefix(_BOM).decode()


def encode(text: str) -> bytes:
    """UTF-8; half a surrogate pair becomes U+FFFD, as browsers do."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        units = text.encode("utf-16-le", "surrogatepass")
        return units.decode("utf-16-le", "replace").encode()


def _decode(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
