"""A strict reader of YAML: plain values out, every surprise of YAML an error.

PyYAML gives the events and this builds the values, so that nothing is expanded or
constructed that was not written down: aliases (a file of 1 KB can say a billion values
with them), tags (which name Python objects), duplicate keys (of which the last would
win silently) and numbers that are none are refused where they stand. Words are read by
the core schema of YAML 1.2: ``no`` is a text and ``012`` is twelve.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from bench.errors import UserError

DEEPEST = 8
# Beyond this JSON readers disagree about an integer.
_LARGEST = 2**53 - 1
_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# An escape can say what no argument of a process and no file in UTF-8 can hold.
_UNUSABLE = re.compile("[\0\ud800-\udfff]")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE)


def load(data: bytes, file: Path) -> Any:
    """The one document of ``data`` as dicts, lists, texts, numbers, bools and None.

    Raises UserError that names ``file``, and the field and line, for text that is not
    YAML and for all that is refused (see above).
    """
    try:
        return _Reader(data, file).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f" in line {mark.line + 1}" if mark is not None else ""
        raise UserError(
            f"is not YAML: {error.problem or error.context}{line}",
            file=file,
            remedy="see https://yaml.org/spec for how it is written",
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(
            f"is not YAML: {str(error).splitlines()[0]}",
            file=file,
            remedy="save it as text in UTF-8",
        ) from error


class _Reader:
    """Builds values from events, and knows in which field it is."""

    def __init__(self, data: bytes, file: Path) -> None:
        self._events: Iterator[yaml.Event] = iter(
            yaml.parse(data, Loader=yaml.SafeLoader)
        )
        self._file = file
        self._path: list[str] = []

    def document(self) -> Any:
        value = None
        for count, event in enumerate(self._starts()):
            if count:
                self._refuse(event, "is a second document", "keep one in a file")
            value = self._value(next(self._events))
            next(self._events)
        return value

    def _starts(self) -> Iterator[yaml.Event]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                yield event

    def _value(self, event: yaml.Event) -> Any:
        self._check(event)
        if isinstance(event, yaml.MappingStartEvent):
            return dict(self._items())
        if isinstance(event, yaml.SequenceStartEvent):
            return list(self._entries())
        assert isinstance(event, yaml.ScalarEvent)  # noqa: S101 - aliases are refused
        if _UNUSABLE.search(event.value):
            self._refuse(event, "has a character that is none", "write it as text")
        return self._plain(event) if event.style is None else event.value

    def _check(self, event: yaml.Event) -> None:
        if getattr(event, "anchor", None) is not None:
            self._refuse(event, "has an anchor or alias", "write the value out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._refuse(event, f"has the tag {tag}", "write a plain value")
        if len(self._path) > DEEPEST:
            self._refuse(event, f"is more than {DEEPEST} levels deep", "write it flat")

    def _items(self) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for event in self._until(yaml.MappingEndEvent):
            self._check(event)
            if not isinstance(event, yaml.ScalarEvent):
                self._refuse(event, "has a key that is no text", "name it by a word")
            self._path.append(event.value)
            if event.value in seen:
                self._refuse(event, "stands here twice", "remove one of them")
            seen.add(event.value)
            yield event.value, self._value(next(self._events))
            self._path.pop()

    def _entries(self) -> Iterator[Any]:
        for place, event in enumerate(self._until(yaml.SequenceEndEvent)):
            self._path.append(f"[{place}]")
            yield self._value(event)
            self._path.pop()

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event

    def _plain(self, event: yaml.ScalarEvent) -> Any:
        text = event.value
        if text.lower() in _CONSTANTS:
            return _CONSTANTS[text.lower()]
        if _INTEGER.fullmatch(text):
            # Python itself refuses to read thousands of digits.
            if len(text) > 17 or abs(int(text)) > _LARGEST:
                self._refuse(event, "is too large a number", f"{_LARGEST} at most")
            return int(text)
        value = float(text) if _FLOAT.fullmatch(text) else 0.0
        if _NOT_FINITE.fullmatch(text) or not math.isfinite(value):
            self._refuse(event, f"{text} is not a number", "give a finite one")
        return value if _FLOAT.fullmatch(text) else text

    def _refuse(self, event: yaml.Event, message: str, remedy: str) -> NoReturn:
        mark = event.start_mark
        line = f"line {mark.line + 1}" if mark is not None else ""
        field = "".join(
            part if part.startswith("[") or not place else f".{part}"
            for place, part in enumerate(self._path)
        )
        raise UserError(
            message,
            file=self._file,
            field=f"{field} ({line})" if field else line,
            remedy=remedy,
        )
