"""Cut the turns into texts of a size that embeds well, about 1,200 characters.

Turns are packed whole while they fit; ``Speaker N: `` marks who begins. Only a turn
that is longer than a chunk is cut, after a sentence where it has one. With an overlap,
a chunk begins with the last words of the one before, which may make it longer by that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bench.path.env import Env
from bench.path.http import Response
from bench.path.ingest import Chunk, State, Turn

ORDER = 30

_LABEL_CHARS = len("Speaker 9999: ")
_BREAKS = re.compile(r"[.!?] |\s")


def run(state: State, env: Env) -> Response | None:
    """Set ``chunks``; their ids are ``<tenant>:<transcript>:<number from 0>``."""
    options = env.options
    name = f"{state.session.tenant}:{state.transcript}"
    limit = options.chunk_chars
    state.chunks = chunks(
        name, pieces(state.turns, limit), limit, options.chunk_overlap
    )
    return None


def pieces(turns: list[Turn], limit: int) -> Iterator[Turn]:
    """``turns``, cut where one does not fit a chunk of ``limit`` characters."""
    room = limit - _LABEL_CHARS
    for turn in turns:
        if len(turn.text) <= room:
            yield turn
            continue
        start = 0
        while start < len(turn.text):
            end = _cut(turn.text, start, room)
            yield turn._replace(text=turn.text[start:end].strip())
            start = end


def _cut(text: str, start: int, room: int) -> int:
    """Where the piece from ``start`` ends: after a sentence late in it, or a word."""
    if len(text) - start <= room:
        return len(text)
    sentence = word = 0
    for match in _BREAKS.finditer(text, start + 1, start + room):
        word = match.end()
        if len(match[0]) > 1:
            sentence = word
    if sentence > start + room // 2:
        return sentence
    return word or start + room


def chunks(
    name: str, turns: Iterator[Turn], limit: int, overlap: int = 0
) -> list[Chunk]:
    """Chunks of at most ``limit`` + ``overlap`` characters, in order.

    A piece belongs to exactly one chunk; ``overlap`` repeats text, not times.
    """
    packed: list[Chunk] = []
    parts: list[str] = []
    size = 0
    first = last = Turn("", None, 0, 0)
    for turn in turns:
        label = "" if turn.speaker is None else f"Speaker {turn.speaker}: "
        if parts and size + 1 + len(label) + len(turn.text) > limit:
            packed.append(_chunk(name, len(packed), parts, first, last))
            parts, size = _tail(packed[-1].text, overlap), 0
            first = last = turn
        elif not size:
            first = last = turn
        if size and turn.speaker == last.speaker:
            parts.append(f" {turn.text}")
        else:
            parts.append(f"{chr(10) if parts else ''}{label}{turn.text}")
        size += len(parts[-1])
        last = turn
    if size:
        packed.append(_chunk(name, len(packed), parts, first, last))
    return packed


def _chunk(name: str, number: int, parts: list[str], first: Turn, last: Turn) -> Chunk:
    text = "".join(parts)
    return Chunk(f"{name}:{number}", text, first.speaker, first.start_ms, last.end_ms)


def _tail(text: str, overlap: int) -> list[str]:
    """The last whole words of ``text``, at most ``overlap`` - 1 characters of them."""
    if overlap < 2:
        return []
    words = text[1 - overlap :].partition(" ")[2]
    return [words] if words else []
