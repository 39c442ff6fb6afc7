"""Fields of a Protocol Buffers message, without its schema.

The wire format of protobuf.dev/programming-guides/encoding: a key is a number and a
type, then the value follows. Groups, which are long deprecated, are refused.
"""

from __future__ import annotations

from collections.abc import Iterator

Value = int | bytes
_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5
_MOST_BITS = 64


class MalformedError(Exception):
    """The bytes are no message; it says nothing of what is in them."""


def fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Number and value of each field in order: an int, or the bytes of what is longer.

    Raises MalformedError.
    """
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        if not number:
            raise MalformedError
        if kind == _VARINT:
            value, place = _varint(data, place)
            yield number, value
            continue
        if kind == _LENGTH:
            size, place = _varint(data, place)
        elif kind in (_EIGHT, _FOUR):
            size = 8 if kind == _EIGHT else 4
        else:
            raise MalformedError
        if place + size > len(data):
            raise MalformedError
        yield number, data[place : place + size]
        place += size


def integers(value: Value) -> list[int]:
    """The values of a repeated integer field: one, or many that are packed."""
    if isinstance(value, int):
        return [value]
    found, place = [], 0
    while place < len(value):
        number, place = _varint(value, place)
        found.append(number)
    return found


def signed(number: int) -> int:
    """A varint as int64."""
    return number - 2**64 if number >= 2**63 else number


def _varint(data: bytes, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, _MOST_BITS + 6, 7):
        if place >= len(data):
            break
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & (2**_MOST_BITS - 1), place
    raise MalformedError
