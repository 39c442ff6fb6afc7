"""A CPU profile of production as pprof: Workers' profiling of one loaded isolate.

The format is profile.proto of github.com/google/pprof, gzipped or not. Each sample has
a stack and its CPU time. Their sum over the requests that the isolate has served
meanwhile is the mean CPU of a request; the profile does not say how many these were, so
the user must. The isolate was loaded before, so all of them were warm. Time in which
the isolate had nothing to do (V8's ``(idle)``) is left out.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from bench.transfer.sources._objects import Bad, Head
from bench.transfer.sources._protobuf import MalformedError, fields, integers, signed
from bench.transfer.sources._reading import Profile, Reading

NOTE = "pprof of a loaded isolate: CPU of all its requests; needs --requests N"
NEEDS_REQUESTS = True

LARGEST = 32 * 2**20
_SAMPLE_TYPE, _SAMPLE, _LOCATION, _FUNCTION, _STRINGS = 1, 2, 4, 5, 6
_PERIOD_TYPE, _PERIOD = 11, 12
_CPU, _SAMPLES = b"cpu", (b"samples", b"sample")
_UNITS = {
    b"nanoseconds": 1e-6,
    b"microseconds": 1e-3,
    b"milliseconds": 1.0,
    b"seconds": 1e3,
}
_IDLE = b"(idle)"
_LONGEST_TYPE = 24  # bytes of a ValueType, which is two numbers


@dataclass(slots=True)
class _Message:
    """What a profile holds, as numbers into its table of strings."""

    types: list[tuple[int, int]] = field(default_factory=list)
    samples: list[tuple[list[int], list[int]]] = field(default_factory=list)
    functions_of: dict[int, int] = field(default_factory=dict)
    name_of: dict[int, int] = field(default_factory=dict)
    strings: list[bytes] = field(default_factory=list)
    period_type: tuple[int, int] = (0, 0)
    period: int = 0

    def text(self, number: int) -> bytes:
        return self.strings[number] if number < len(self.strings) else b""


def recognises(head: Head) -> bool:
    """A message whose first field is the type of a sample."""
    data = head.data
    if len(data) < 2 or data[0] != (_SAMPLE_TYPE << 3 | 2) or data[1] > _LONGEST_TYPE:
        return False
    try:
        inner = [number for number, _ in fields(data[2 : 2 + data[1]])]
    except MalformedError:
        return False
    return set(inner) <= {1, 2}


def read(data: bytes, requests: int | None) -> Reading:
    """Its CPU, as the mean of ``requests`` requests."""
    profile = None
    with suppress(MalformedError):
        profile = _profile(data) if len(data) <= LARGEST else None
    bad = () if profile else (("", Bad(1, "is no profile of CPU time")),)
    return Reading(
        format="",
        names=(),
        spans=np.empty((0, 3)),
        n=requests or 0 if profile else 0,
        censored=0,
        rows=1,
        bad_rows=len(bad),
        bad=bad,
        lost=0,
        size=len(data),
        left_out={},
        notes=(
            "a profile has no costs of single requests: only their mean is compared, "
            "with that of warm ones",
        ),
        profile=profile,
    )


def _profile(data: bytes) -> Profile | None:
    message = _message(data)
    value_of, ms = _cpu(message)
    if value_of is None:
        return None
    total = 0.0
    seen = 0
    count_of = _place(message, _SAMPLES)
    for stack, values in message.samples:
        if len(values) != len(message.types):
            return None
        if stack and message.text(_name(message, stack[0])) == _IDLE:
            continue
        total += signed(values[value_of]) * ms
        seen += 1 if count_of is None else signed(values[count_of])
    return Profile(total, seen) if total > 0 and seen > 0 else None


def _cpu(message: _Message) -> tuple[int | None, float]:
    """Which value of a sample is CPU, and how many ms one of it is."""
    place = _place(message, (_CPU,))
    if place is not None:
        unit = _UNITS.get(message.text(message.types[place][1]))
        return (None, 0.0) if unit is None else (place, unit)
    # Without one, samples of CPU are counted, each of them a period long.
    kind, name = message.period_type
    unit = _UNITS.get(message.text(name))
    if message.text(kind) != _CPU or unit is None:
        return None, 0.0
    return _place(message, _SAMPLES), message.period * unit


def _place(message: _Message, names: tuple[bytes, ...]) -> int | None:
    kinds = (message.text(kind) for kind, _ in message.types)
    return next((place for place, kind in enumerate(kinds) if kind in names), None)


def _name(message: _Message, location: int) -> int:
    return message.name_of.get(message.functions_of.get(location, 0), 0)


def _message(data: bytes) -> _Message:
    made = _Message()
    for number, value in fields(data):
        if number == _PERIOD and isinstance(value, int):
            made.period = signed(value)
        elif isinstance(value, bytes):
            _add(made, number, value)
    return made


def _add(made: _Message, number: int, value: bytes) -> None:
    if number == _STRINGS:
        made.strings.append(value)
    elif number == _SAMPLE_TYPE:
        made.types.append(_pair(value))
    elif number == _PERIOD_TYPE:
        made.period_type = _pair(value)
    elif number == _SAMPLE:
        made.samples.append((_repeated(value, 1), _repeated(value, 2)))
    elif number == _FUNCTION:
        ident, name = _pair(value)
        made.name_of[ident] = name
    elif number == _LOCATION:
        lines = (
            line for n, line in fields(value) if n == 4 and isinstance(line, bytes)
        )
        ident, _ = _pair(value)
        made.functions_of[ident] = next((_pair(line)[0] for line in lines), 0)


def _pair(value: bytes) -> tuple[int, int]:
    """The first two fields of a message, where they are integers."""
    found = {n: item for n, item in fields(value) if isinstance(item, int)}
    return found.get(1, 0), found.get(2, 0)


def _repeated(value: bytes, wanted: int) -> list[int]:
    """The values of one repeated integer field of a message."""
    found = (integers(item) for number, item in fields(value) if number == wanted)
    return [number for some in found for number in some]
