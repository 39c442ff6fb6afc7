"""JSON objects one after the other in a stream, pretty-printed or not.

`wrangler tail --format json` prints them so, with nothing between them and many lines
each. What is broken is skipped up to the next line that begins with ``{``: inside of a
pretty-printed object no line does.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

LONGEST = 4 * 2**20
"""Characters of an object that are read for sure, and twice as many never are. A tail
event holds at most 256 KB of logs."""
CUT = "is an object that is cut off at the end"
_BLOCK = 2**16
_INK = re.compile(r"\S")
_decode = json.JSONDecoder().raw_decode


class FaultError(ValueError):
    """Why a row cannot be read, in words that hold nothing of the row."""


def objects(stream: BinaryIO) -> Iterator[tuple[int, dict[str, Any] | FaultError]]:
    """Each object of ``stream`` and the line that it begins at, from 1.

    What is no object is a FaultError in its place, one for all that is skipped. No more
    than twice ``LONGEST`` is held. Bytes that are not UTF-8 are replaced.
    """
    text = _Text(stream)
    while text.begins():
        yield text.line, text.taken()


class _Text:
    """What was read of a stream, and the place and the line up to which it is used."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._text = ""
        self._at = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.line = 1

    def begins(self) -> bool:
        """Go to what comes next behind white space; False at the end."""
        while True:
            found = _INK.search(self._text, self._at)
            if found is not None:
                self._go(found.start())
                return True
            self._go(len(self._text))
            if not self._more():
                return False

    def taken(self) -> dict[str, Any] | FaultError:
        """The object at this place, or why there is none, and go behind it."""
        if self._text[self._at] != "{":
            self._skip()
            return FaultError("is no JSON object")
        value: dict[str, Any]
        while True:
            try:
                value, end = _decode(self._text, self._at)
            except RecursionError:
                self._skip()
                return FaultError("is nested too deeply")
            except ValueError:
                # It may only be incomplete. Twice as much each time keeps it linear.
                if len(self._text) - self._at < LONGEST and self._more():
                    continue
                self._skip()
                is_last = self._at == len(self._text)
                return FaultError(CUT if is_last else "is not JSON, or above 4 MiB")
            self._go(end)
            return value

    def _skip(self) -> None:
        while True:
            found = self._text.find("\n{", self._at)
            if found >= 0:
                self._go(found + 1)
                return
            # The last character may be the line end before the next object.
            self._go(max(self._at, len(self._text) - 1))
            if not self._more():
                self._go(len(self._text))
                return

    def _go(self, to: int) -> None:
        self.line += self._text.count("\n", self._at, to)
        self._at = to

    def _more(self) -> bool:
        data = self._stream.read(max(_BLOCK, len(self._text) - self._at))
        self._text = self._text[self._at :] + self._decoder.decode(data, not data)
        self._at = 0
        return bool(data)
