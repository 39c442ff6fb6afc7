"""Server-sent events from bytes that arrive in any pieces.

Follows the parsing rules of the WHATWG HTML standard, section "Server-sent events":
lines end with LF, CR or CRLF; several ``data`` lines of an event are joined by LF; a
line that starts with a colon is a comment. Two departures: an event that the end of
the stream cuts off is still given out, because a stream may lack its last blank line;
and an event has a largest size, because its sender is not ours.

Lines are cut in bytes, where no UTF-8 sequence holds a CR or LF, so a chunk may end
anywhere, inside a character too.
"""

from __future__ import annotations

LINE_LIMIT = 2**20  # bytes; the largest recorded line is under 16 KiB
_BOM = b"\xef\xbb\xbf"


class Parser:
    """Feed it chunks, it gives back the data of each event that has become whole.

    ``oversized`` counts the lines and events over ``limit`` bytes that were dropped.
    """

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self.oversized = 0
        self._limit = limit
        self._parts: list[bytes] = []  # of the line that is not ended yet
        self._size = 0  # of that line, more than the parts hold if it is oversized
        self._after_cr = False  # an LF that comes next belongs to the CR before it
        self._data: list[bytes] = []  # of the event that is not ended yet
        self._data_size = 0
        self._first = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """Data of the events that ``chunk`` completes, without their field names."""
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk.startswith(b"\n"):
                chunk = chunk[1:]
        if not chunk:
            return []
        if b"\n" not in chunk and b"\r" not in chunk:
            self._hold(chunk)
            return []
        lines = chunk.splitlines()
        rest = b""
        if chunk[-1] in b"\r\n":
            self._after_cr = chunk.endswith(b"\r")
        else:
            rest = lines.pop()
        events: list[bytes] = []
        for line in lines:
            self._line(line, events)
        if rest:
            self._hold(rest)
        return events

    def close(self) -> list[bytes]:
        """Data of the event that the end of the stream cut off, if there is any."""
        events: list[bytes] = []
        self._line(b"", events)
        self._line(b"", events)
        return events

    def _hold(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            self._parts.clear()
        else:
            self._parts.append(part)

    def _line(self, end: bytes, events: list[bytes]) -> None:
        """Take the line that ``end`` ends: a field, or the blank one after an event."""
        if self._size + len(end) > self._limit:
            self.oversized += 1
            self._size = 0
            self._parts.clear()
            return
        line = end
        if self._parts:
            line = b"".join([*self._parts, end])
            self._size = 0
            self._parts.clear()
        if self._first:
            self._first = False
            line = line.removeprefix(_BOM)
        if not line:
            self._dispatch(events)
        elif line.startswith(b"data:"):
            self._collect(line[6:] if line.startswith(b"data: ") else line[5:])
        elif line == b"data":
            self._collect(b"")

    def _collect(self, value: bytes) -> None:
        self._data_size += len(value) + 1
        if self._data_size <= self._limit or not self._data:
            self._data.append(value)

    def _dispatch(self, events: list[bytes]) -> None:
        if self._data_size > self._limit:
            self.oversized += 1
        elif self._data:
            events.append(b"\n".join(self._data))
        self._data.clear()
        self._data_size = 0
