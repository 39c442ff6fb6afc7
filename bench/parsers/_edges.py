"""Texts at the edges of JSON, made here, each with what is right (RFC 8259).

``accept`` means with this value, ``reject`` that it is no JSON, ``free`` that the
standard leaves it to the parser. Digits count: the standard warns that some parsers
have doubles only, and what is lost in them is lost, so that an integer whose value
changes is counted as a wrong value here.
"""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from bench.fixtures._numbers import shortest_float32

ACCEPT, REJECT, FREE = "accept", "reject", "free"
SHALLOW, DEEP = 200, 100_000
_SEED, _NUMBERS = 1, 300
_POINT = 2**53  # the first integer after which doubles leave some out


class Text(NamedTuple):
    """A text by name, what it is about, what is right, and the value if accepted."""

    name: str
    topic: str
    text: bytes
    expected: str
    value: Any = None


def edges() -> list[Text]:
    """All edge cases; the same ones every time."""
    return [
        *_values("integers", _integers(_POINT + 1, -_POINT - 1, 2**63 - 1, -(2**63))),
        *_values("integers", _integers(2**63, 2**64 - 1)),
        *_values("big integers", _integers(2**64, -(2**63) - 1, 10**30, -(10**40))),
        *_values("floats", _floats()),
        *_values("exponents", _exponents()),
        *_values("keys", _keys()),
        *_values("duplicate keys", _duplicates()),
        *_values("strings", _strings()),
        *_values("nesting", _nested()),
        *_texts("overflow", FREE, _OVERFLOW),
        *_texts("lone surrogates", FREE, _SURROGATES),
        *_texts("byte order mark", FREE, _BOM),
        *_texts("deep nesting", FREE, _DEEP),
        *_texts("deep nesting", REJECT, _UNCLOSED),
        *_texts("NaN and Infinity", REJECT, _NAN),
        *_texts("control characters", REJECT, _CONTROLS),
        *_texts("invalid UTF-8", REJECT, _UTF8),
        *_texts("UTF-16 and UTF-32", REJECT, _encoded()),
        *_texts("number syntax", REJECT, _NUMBER_SYNTAX),
        *_texts("commas and colons", REJECT, _COMMAS),
        *_texts("empty body", REJECT, _EMPTY),
        *_texts("trailing text", REJECT, _TRAILING),
        *_texts("foreign syntax", REJECT, _FOREIGN),
    ]


def _values(topic: str, cases: dict[str, tuple[str, Any]]) -> Iterator[Text]:
    for name, (text, value) in cases.items():
        yield Text(f"{topic}: {name}", topic, text.encode(), ACCEPT, value)


def _texts(topic: str, expected: str, cases: dict[str, bytes]) -> Iterator[Text]:
    for name, text in cases.items():
        yield Text(f"{topic}: {name}", topic, text, expected)


def _integers(*numbers: int) -> dict[str, tuple[str, Any]]:
    return {str(n): (f'{{"n":[{n}]}}', {"n": [n]}) for n in numbers}


def _floats() -> dict[str, tuple[str, Any]]:
    draw = random.Random(_SEED)
    bits = [draw.randrange(2**63) for _ in range(_NUMBERS)]
    doubles = [struct.unpack("<d", struct.pack("<Q", each))[0] for each in bits]
    doubles = [value for value in doubles if abs(value) < 1e300]
    singles = [draw.gauss(0, 0.03) for _ in range(_NUMBERS)]
    # Halfway between two doubles, and a digit a thousand places later that decides.
    halfway = "9007199254740993." + "0" * 1000
    return {
        "shortest text of float32": _list(map(shortest_float32, singles)),
        "17 digits of doubles": _list(f"{value:.17g}" for value in doubles),
        "shortest text of doubles": _list(map(repr, doubles)),
        "long decimals": _list(f"{value:.40f}" for value in singles),
        "halfway": (f"[{halfway}0]", [9007199254740992.0]),
        "just above halfway": (f"[{halfway}1]", [9007199254740994.0]),
        "largest": ("[1.7976931348623157e308]", [1.7976931348623157e308]),
        "smallest": (
            "[5e-324,2.2250738585072011e-308]",
            [5e-324, 2.225073858507201e-308],
        ),
        "whole": ("[1.0,8.0,0.0]", [1.0, 8.0, 0.0]),
        "negative zero": ("[-0.0]", [-0.0]),
    }


def _list(numbers: Any) -> tuple[str, list[float]]:
    texts = [text if set(text) & set(".e") else f"{text}.0" for text in numbers]
    return f"[{','.join(texts)}]", [float(text) for text in texts]


def _exponents() -> dict[str, tuple[str, Any]]:
    texts = ("1E2", "1e+2", "1e-2", "0e1", "1.5E+10", "123e-0007", "-1e0")
    zeros = "0." + "0" * 400 + "1e401"
    return {text: (f"[{text}]", [float(text)]) for text in texts} | {
        "a long one that comes to one": (f"[{zeros}]", [1.0])
    }


def _keys() -> dict[str, tuple[str, Any]]:
    return {
        "empty": ('{"":1}', {"": 1}),
        "NUL in it": ('{"a\\u0000b":1,"a":2}', {"a\0b": 1, "a": 2}),
        "escaped": ('{"\\u0061":1}', {"a": 1}),
        "order": ('{"b":1,"a":2,"c":3}', {"b": 1, "a": 2, "c": 3}),
        "__proto__": ('{"__proto__":{"a":1}}', {"__proto__": {"a": 1}}),
        "digits": ('{"2":1,"1":2}', {"2": 1, "1": 2}),
        "a thousand characters": (f'{{"{"k" * 1000}":1}}', {"k" * 1000: 1}),
    }


def _duplicates() -> dict[str, tuple[str, Any]]:
    return {
        "the last one counts": ('{"a":1,"a":2}', {"a": 2}),
        "in the place of the first": ('{"a":1,"b":2,"a":3}', {"a": 3, "b": 2}),
        "written in two ways": ('{"a":1,"\\u0061":2}', {"a": 2}),
    }


def _strings() -> dict[str, tuple[str, Any]]:
    awkward = "\0\x1f\x7f\x80\u2028\u2029\ufeff\ufffe\U0001f600\U0010ffff"
    return {
        "every escape": ('["\\"\\\\\\/\\b\\f\\n\\r\\t"]', ['"\\/\b\f\n\r\t']),
        "escaped controls": ('["\\u0000\\u001f"]', ["\0\x1f"]),
        "escaped pair": ('["\\ud83d\\ude00"]', ["\U0001f600"]),
        "hexadecimal of either case": ('["\\u00e9\\u00E9"]', ["éé"]),
        "NUL between letters": ('["a\\u0000b"]', ["a\0b"]),
        "awkward, escaped": (json.dumps([awkward]), [awkward]),
        "awkward, raw": (f'["{awkward[2:]}"]', [awkward[2:]]),
        "long": (f'["{"é" * 70_000}"]', ["é" * 70_000]),
    }


def _nested() -> dict[str, tuple[str, Any]]:
    array: Any = 1
    fields: Any = 1
    for _ in range(SHALLOW):
        array, fields = [array], {"a": fields}
    return {
        f"{SHALLOW} arrays": (f"{'[' * SHALLOW}1{']' * SHALLOW}", array),
        f"{SHALLOW} objects": (f"{SHALLOW * _OPEN}1{'}' * SHALLOW}", fields),
    }


def _encoded() -> dict[str, bytes]:
    codings = ("utf-16-le", "utf-16-be", "utf-16", "utf-32-le", "utf-32")
    return {coding: '{"a":"é"}'.encode(coding) for coding in codings}


_OPEN = '{"a":'
_DEEP = {f"{DEEP:,} arrays": b"[" * DEEP + b"]" * DEEP}
_UNCLOSED = {f"{DEEP:,} objects, unclosed": _OPEN.encode() * DEEP}
_OVERFLOW = {text: f"[{text}]".encode() for text in ("1e400", "-1e400", "1e-400")} | {
    "an exponent of 20 digits": b"[1e99999999999999999999]",
    "minus zero as an integer": b"[-0]",
}
_SURROGATES = {
    "high": b'["\\ud800"]',
    "low": b'["\\udc00"]',
    "two high ones": b'["\\ud800\\ud800"]',
    "the wrong way round": b'["\\udc00\\ud800"]',
    "before a letter": b'["\\ud800abc"]',
    "in a key": b'{"\\ud800":1}',
}
_BOM = {"before an object": b'\xef\xbb\xbf{"a":1}'}
_NAN = {
    text: f'{{"n":[{text}]}}'.encode()
    for text in ("NaN", "-NaN", "nan", "Infinity", "-Infinity", "inf")
}
_CONTROLS = {
    name: b'["a' + raw + b'b"]'
    for name, raw in {
        "NUL": b"\0",
        "0x01": b"\x01",
        "tabulator": b"\t",
        "line feed": b"\n",
        "0x1f": b"\x1f",
    }.items()
} | {"form feed between values": b"[1,\f2]"}
_UTF8 = {
    "a byte that is none": b'["a\xffb"]',
    "a start without its rest": b'["a\xc3"]',
    "a rest without its start": b'["\x80"]',
    "overlong": b'["\xc0\xaf"]',
    "a surrogate": b'["\xed\xa0\x80"]',
    "beyond U+10FFFF": b'["\xf4\x90\x80\x80"]',
    "in a key": b'{"\xff":1}',
}
_NUMBER_SYNTAX = {
    text: f"[{text}]".encode()
    for text in (
        *("01", "-01", "00", "+1", ".5", "-.5", "1.", "1.e2", "1e", "1e+", "-", "--1"),
        *("0x1F", "1_000", "1,5e", "1 000", "1.2.3", "1d", "٣"),
    )
}
_COMMAS = {
    text: text.encode()
    for text in (
        *("[1,]", '{"a":1,}', "[,1]", "[1,,2]", "[,]", "{,}", "[1 2]", '{"a" 1}'),
        *('{"a":}', '{"a"}', "{:1}", '{"a":1 "b":2}', '["a":1]', "[1", '{"a":1', "]"),
    )
}
_EMPTY = {"no byte": b"", "blanks": b" \n\t", "a NUL": b"\0", "a BOM": b"\xef\xbb\xbf"}
_TRAILING = {
    "a letter": b"[1]x",
    "a closing bracket": b"[1]]",
    "another value": b"[1] [2]",
    "a NUL": b"[1]\0",
    "a NUL and more": b"[1]\0[2",
    "a comma": b"[1],",
    "a digit": b'{"a":1}2',
}
_FOREIGN = {
    text: text.encode()
    for text in (
        *("['a']", "{a:1}", "{1:1}", "[True]", "[nul]", "[TRUE]", "[undefined]"),
        *("[1]//a", "/*a*/[1]", "[1#a\n]", '["\\x41"]', '["\\a"]', '["\\u12"]', '["a'),
    )
}
