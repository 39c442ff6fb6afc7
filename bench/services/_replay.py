"""What the LLM services share: a stream to replay, and a completion made up from the
request, which is the same for the same request."""

from __future__ import annotations

import random
import re
from typing import Annotated, Any

import msgspec
import orjson

from bench import fixture_set
from bench.errors import UserError
from bench.services._messages import Stream
from bench.services._service import Base
from bench.services._streams import SPLIT_PATTERN, splitter

EVENT_STREAM = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
}
SUMMARY_WORDS = 60
_WORD = re.compile(r"\S+")


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``split`` is ``event``, ``random`` or ``bytes:N``; ``delay_ms`` passes between
    chunks; ``api_key`` is the only key accepted, None accepts any."""

    split: Annotated[str, msgspec.Meta(pattern=SPLIT_PATTERN)] = "event"
    delay_ms: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    api_key: str | None = None


class Replaying(Base):
    """A service that answers streams. ``put`` takes ``{"stream": text or bytes}``;
    ``dump`` gives ``{"stream": bytes, "last_request": JSON}``."""

    Settings = Settings
    streams = True
    overloads = True
    fixture = ""

    def clear(self) -> None:
        """Replay the fixture again."""
        self._stream: bytes | None = None
        self._last: Any = None
        self._streamed = 0

    def put(self, data: Any) -> None:
        """Replay these bytes from now on."""
        stream = data.get("stream") if isinstance(data, dict) else None
        if not isinstance(stream, str | bytes) or not stream:
            raise UserError(
                "there is no stream in the data",
                field=self.name,
                remedy='put {"stream": text or bytes}',
            )
        self._stream = stream.encode() if isinstance(stream, str) else stream

    def dump(self) -> dict[str, Any]:
        """What is replayed, and the last request that was answered."""
        return {"stream": self.stream(), "last_request": self._last}

    def stream(self) -> bytes:
        """The bytes to replay."""
        if self._stream is None:
            self._stream = self.default_stream()
        return self._stream

    def default_stream(self) -> bytes:
        """The committed fixture."""
        return fixture_set.read(self.fixture)

    def remember(self, request: Any) -> None:
        """Keep the request for ``dump``."""
        self._last = request

    def replayed(self, headers: dict[str, str]) -> Stream:
        """The stream, cut as configured; random cuts differ from stream to stream."""
        self._streamed += 1
        rng = random.Random(f"{self.seed}/{self.name}/{self._streamed}")
        split = splitter(self.settings.split, rng)
        delay_s = self.settings.delay_ms / 1000
        return Stream(self.stream(), split, {**EVENT_STREAM, **headers}, delay_s)


def summary(texts: list[str]) -> str:
    """A stand-in for a completion: the first words of what was said, every message
    with its share of them."""
    share = max(1, SUMMARY_WORDS // max(1, len(texts)))
    parts = [" ".join(_WORD.findall(text)[:share]) for text in texts]
    words = " ".join(parts).split()[:SUMMARY_WORDS]
    return f"Summary of {len(texts)} messages: {' '.join(words)}"


def texts_of(messages: list[Any]) -> list[str]:
    """The text of messages whose content is a string or a list of blocks."""
    return [_text(message.get("content")) for message in messages]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return " ".join(str(block.get("text", "")) for block in blocks)


def padded(event: dict[str, Any], path: list[Any], size: int) -> bytes:
    """``data: `` and ``event`` with the text at ``path`` as long as ``size`` needs."""
    target: Any = event
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = ""
    spare = size - len(b"data: ") - len(orjson.dumps(event))
    target[path[-1]] = "a" * spare
    return b"data: " + orjson.dumps(event)
