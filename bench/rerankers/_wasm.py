"""The WebAssembly module of ``v8_wasm``, written byte by byte: no tool makes it here.

It exports a memory of one page and one function, in WebAssembly text:

    (func (export "products")
      (param $query i32) (param $row i32) (param $end i32) (param $width i32)
      (param $out i32)

For each row of ``width`` bytes from ``row`` to ``end`` it puts two float32 at ``out``:
the product of the row with the query, and with itself. All arguments are byte offsets,
and ``width`` is a multiple of 64, the 16 float32 that one step takes. Sums are in
float32, in 16 parts that are added in the end, the same way for every row.

Encodings: WebAssembly Core Specification 2.0, section 5 (Binary Format) and 6.5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

NAME = "cosine.wasm"
"""What the Worker imports it as."""

_LANES = 4  # vectors of four float32 in one step
_STEP = 16 * _LANES
_I32, _F32, _V128 = 0x7F, 0x7D, 0x7B
_QUERY, _ROW, _END, _WIDTH, _OUT, _AT, _STOP = range(7)
_VALUE = 7
_DOT = range(8, 8 + _LANES)
_OWN = range(8 + _LANES, 8 + 2 * _LANES)


def module() -> bytes:
    """The module."""
    parameters = _vector([_I32] * 5)
    signature = b"\x60" + parameters + _vector([])
    exports = _name("memory") + b"\x02\x00" + _name("products") + b"\x00\x00"
    local_types = _number(2) + _run(2, _I32) + _run(1 + 2 * _LANES, _V128)
    body = local_types + _products() + b"\x0b"
    sections = {
        1: _number(1) + signature,  # types
        3: _vector([0]),  # functions, by type
        5: _number(1) + b"\x00" + _number(1),  # a memory of at least one page
        7: _number(2) + exports,
        10: _number(1) + _number(len(body)) + body,  # code
    }
    return (
        b"\0asm"
        + struct.pack("<I", 1)
        + b"".join(
            bytes([number]) + _number(len(section)) + section
            for number, section in sections.items()
        )
    )


def _products() -> bytes:
    """Until ``row`` reaches ``end``: one row, then what it came to."""
    return _while_less(
        _ROW,
        _END,
        _get(_QUERY)
        + _set(_AT)
        + _get(_ROW)
        + _get(_WIDTH)
        + _ADD
        + _set(_STOP)
        + b"".join(_ZERO + _set(part) for part in [*_DOT, *_OWN])
        + _while_less(_ROW, _STOP, _step())
        + _stored(_DOT, 0)
        + _stored(_OWN, 4)
        + _advanced(_OUT, 8),
    )


def _step() -> bytes:
    """16 values of the row, times those of the query and times themselves."""
    lanes = (
        _loaded(_ROW, 16 * lane)
        + _set(_VALUE)
        + _accumulated(dot, _loaded(_AT, 16 * lane))
        + _accumulated(own, _get(_VALUE))
        for lane, (dot, own) in enumerate(zip(_DOT, _OWN, strict=True))
    )
    return b"".join(lanes) + _advanced(_ROW, _STEP) + _advanced(_AT, _STEP)


def _accumulated(part: int, factor: bytes) -> bytes:
    return _get(part) + _get(_VALUE) + factor + _V_MUL + _V_ADD + _set(part)


def _stored(parts: Iterable[int], offset: int) -> bytes:
    """The sum of all float32 of ``parts``, at ``out`` + ``offset``."""
    first, *others = parts
    whole = _get(first) + b"".join(_get(part) + _V_ADD for part in others)
    lanes = [_get(_VALUE) + _EXTRACT + bytes([lane]) for lane in range(4)]
    total = lanes[0] + b"".join(lane + _F_ADD for lane in lanes[1:])
    store = b"\x38" + _number(2) + _number(offset)
    return whole + _set(_VALUE) + _get(_OUT) + total + store


def _while_less(local: int, limit: int, body: bytes) -> bytes:
    """Repeat ``body`` while one local is less than the other, unsigned."""
    enough = _get(local) + _get(limit) + b"\x4f" + b"\x0d\x01"  # i32.ge_u, br_if 1
    loop = b"\x03\x40" + enough + body + b"\x0c\x00" + b"\x0b"
    return b"\x02\x40" + loop + b"\x0b"


def _get(local: int) -> bytes:
    return b"\x20" + _number(local)


def _set(local: int) -> bytes:
    return b"\x21" + _number(local)


def _advanced(local: int, by: int) -> bytes:
    return _get(local) + b"\x41" + _signed(by) + _ADD + _set(local)


def _loaded(local: int, offset: int) -> bytes:
    return _get(local) + b"\xfd\x00" + _number(2) + _number(offset)  # v128.load


_ADD = b"\x6a"  # i32.add
_F_ADD = b"\x92"  # f32.add
_ZERO = b"\xfd\x0c" + bytes(16)  # v128.const
_EXTRACT = b"\xfd\x1f"  # f32x4.extract_lane
_V_ADD = b"\xfd\xe4\x01"  # f32x4.add
_V_MUL = b"\xfd\xe6\x01"  # f32x4.mul


def _number(value: int) -> bytes:
    """LEB128, unsigned."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _number(rest) if rest else bytes([low])


def _signed(value: int) -> bytes:
    """LEB128 of an integer that is not negative, where a sign is expected."""
    low, rest = value & 0x7F, value >> 7
    last = not rest and low < 0x40
    return bytes([low]) if last else bytes([low | 0x80]) + _signed(rest)


def _vector(items: list[int]) -> bytes:
    return _number(len(items)) + bytes(items)


def _run(count: int, kind: int) -> bytes:
    return _number(count) + bytes([kind])


def _name(text: str) -> bytes:
    return _number(len(text)) + text.encode()
