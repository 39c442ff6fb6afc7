"""Anthropic's event stream as OpenAI's ``chat.completion.chunk`` stream.

Every chunk is ``data: <compact JSON>`` and a blank line, with the keys in the order
id, object, created, model, choices, [usage]. Formats: Anthropic, "Streaming messages",
and OpenAI, "Chat completion chunk object", as recorded in 2023-2026 streams.

    message_start                 delta {"role":"assistant","content":""}
    text, text_delta              delta {"content":...}
    thinking, thinking_delta      delta {"reasoning_content":...}
    tool_use, input_json_delta    delta {"tool_calls":[{"index",...}]}
    message_delta                 finish_reason; usage beside ``choices``
    message_stop                  data: [DONE]
    error                         data: {"error":{...}}, then data: [DONE]

Dropped: signatures, citations, and the blocks of tools that ran at Anthropic, which a
client must not run again. Data that is not such an event is skipped, as the article
does, but counted. OpenAI chunks that come from upstream go through, with U+FFFD
for bytes that are no UTF-8.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bench.path.wire import dumps, loads_lenient

DONE = b"data: [DONE]\n\n"
_MESSAGE_LIMIT = 500  # characters of an upstream's error message that are passed on

_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


@dataclass(slots=True)
class StreamStats:
    """What went through: counts of events, and what ``save_turn`` needs."""

    events: int = 0
    malformed: int = 0  # data that was skipped
    oversized: int = 0  # lines over the parser's limit
    signatures: int = 0  # dropped with the thinking that they sign
    dropped: int = 0  # citations, server-side tools, kinds that are not known
    text: list[str] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    finish_reason: str | None = None
    error: str | None = None  # type of the error that ended the stream
    done: bool = False


class Converter:
    """Takes the data of one event after the other and gives the bytes to send for it.

    ``created`` is the Unix time that every chunk carries.
    """

    def __init__(self, created: int, stats: StreamStats) -> None:
        self._created = created
        self._stats = stats
        self._id = ""
        self._model = ""
        self._tools: dict[int, int] = {}  # content block -> index among the tool calls
        self._silent: set[int] = set()  # tool calls whose arguments were not sent yet

    def event(self, data: bytes) -> bytes:
        """Bytes for one event's data; nothing when it is to be dropped or is broken."""
        stats = self._stats
        if stats.done:
            return b""
        if data == b"[DONE]":
            return self.finish()
        try:
            event = loads_lenient(data)
            output = self._convert(event, data)
        except (ValueError, LookupError, TypeError, AttributeError):
            # Broken JSON, or JSON of another shape than the event's type promises.
            stats.malformed += 1
            return b""
        stats.events += 1
        return output

    def fail(self, kind: str, message: str) -> bytes:
        """End the stream with an error that the client can read; once."""
        if self._stats.done:
            return b""
        self._stats.error = kind
        error = {"message": message, "type": kind, "param": None, "code": None}
        return _data({"error": error}) + self.finish()

    def finish(self) -> bytes:
        """The end mark, if it was not sent yet."""
        if self._stats.done:
            return b""
        self._stats.done = True
        return DONE

    def _convert(self, event: Any, data: bytes) -> bytes:
        if "type" not in event:
            return self._openai(event, data)
        kind = event["type"]
        if kind == "content_block_delta":
            return self._delta(_index(event), event["delta"])
        if kind == "content_block_start":
            return self._block(_index(event), event["content_block"])
        if kind == "content_block_stop":
            return self._block_stop(_index(event))
        if kind == "message_start":
            return self._start(event["message"])
        if kind == "message_delta":
            return self._message_delta(event)
        if kind == "message_stop":
            return self._stop()
        if kind == "error":
            return self._error(event["error"])
        if kind != "ping":
            self._stats.dropped += 1
        return b""

    def _delta(self, index: int, delta: dict[str, Any]) -> bytes:
        kind = delta["type"]
        if kind == "text_delta":
            return self._text(_string(delta["text"]))
        if kind == "input_json_delta":
            return self._arguments(index, _string(delta["partial_json"]))
        if kind == "thinking_delta":
            return self._reasoning(_string(delta["thinking"]))
        if kind == "signature_delta":
            self._stats.signatures += 1
        else:
            self._stats.dropped += 1
        return b""

    def _block(self, index: int, block: dict[str, Any]) -> bytes:
        kind = block["type"]
        if kind == "text":
            return self._text(_string(block["text"]))
        if kind == "thinking":
            return self._reasoning(_string(block["thinking"]))
        if kind != "tool_use":
            self._stats.dropped += 1
            return b""
        call = {
            "index": len(self._tools),
            "id": _string(block["id"]),
            "type": "function",
            "function": {"name": _string(block["name"]), "arguments": ""},
        }
        # Arguments that come whole instead of in deltas.
        given = dumps(block["input"]).decode() if block.get("input") else ""
        self._tools[index] = len(self._tools)
        self._silent.add(index)
        return self._chunk({"tool_calls": [call]}) + self._arguments(index, given)

    def _block_stop(self, index: int) -> bytes:
        # A call without parameters may send no delta at all; clients parse the
        # arguments as JSON, and an empty text is none.
        return self._arguments(index, "{}") if index in self._silent else b""

    def _text(self, text: str) -> bytes:
        if not text:
            return b""
        self._stats.text.append(text)
        return self._chunk({"content": text})

    def _reasoning(self, text: str) -> bytes:
        return self._chunk({"reasoning_content": text}) if text else b""

    def _arguments(self, index: int, text: str) -> bytes:
        if index not in self._tools:  # of a tool that ran at Anthropic
            self._stats.dropped += 1
            return b""
        if not text:
            return b""
        self._silent.discard(index)
        call = {"index": self._tools[index], "function": {"arguments": text}}
        return self._chunk({"tool_calls": [call]})

    def _start(self, message: dict[str, Any]) -> bytes:
        self._id = _string(message["id"])
        self._model = _string(message["model"])
        self._count(message.get("usage"))
        return self._chunk({"role": "assistant", "content": ""})

    def _message_delta(self, event: dict[str, Any]) -> bytes:
        reason = event["delta"].get("stop_reason")
        self._count(event.get("usage"))
        if reason is None:
            return b""
        return self._finish_chunk(_FINISH.get(reason, "stop"))

    def _stop(self) -> bytes:
        closing = b""
        if self._stats.finish_reason is None:
            closing = self._finish_chunk("stop")
        return closing + self.finish()

    def _finish_chunk(self, reason: str) -> bytes:
        stats = self._stats
        stats.finish_reason = reason
        chunk = self._envelope({}, reason)
        chunk["usage"] = {
            "prompt_tokens": stats.input_tokens,
            "completion_tokens": stats.output_tokens,
            "total_tokens": stats.input_tokens + stats.output_tokens,
        }
        return _data(chunk)

    def _error(self, error: dict[str, Any]) -> bytes:
        kind, message = _string(error["type"]), _string(error["message"])
        return self.fail(kind[:_MESSAGE_LIMIT], message[:_MESSAGE_LIMIT])

    def _count(self, usage: Any) -> None:
        """Take token counts; Anthropic gives cached input apart, OpenAI includes it."""
        if not isinstance(usage, dict):
            return
        fresh = _integer(usage.get("input_tokens"))
        written = _integer(usage.get("cache_creation_input_tokens"))
        cached = _integer(usage.get("cache_read_input_tokens"))
        self._stats.input_tokens = fresh + written + cached or self._stats.input_tokens
        self._stats.output_tokens = _integer(usage.get("output_tokens"))

    def _openai(self, event: dict[str, Any], data: bytes) -> bytes:
        """A chunk that has OpenAI's form already: note its text and pass it on."""
        text = data.decode("utf-8", "replace").replace("\n", "\ndata: ")
        passed = f"data: {text}\n\n".encode()
        if "error" in event:
            self._stats.error = "upstream_error"
            return passed + self.finish()
        choices = event["choices"]
        contents = [choice["delta"].get("content") for choice in choices]
        texts = [_string(each) for each in contents if each is not None]
        for choice in choices:
            self._stats.finish_reason = choice.get("finish_reason") or None
        self._stats.text += filter(None, texts)
        return passed

    def _chunk(self, delta: dict[str, Any]) -> bytes:
        return _data(self._envelope(delta, None))

    def _envelope(self, delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
        }


def _data(value: dict[str, Any]) -> bytes:
    return b"data: " + dumps(value) + b"\n\n"


def _index(event: dict[str, Any]) -> int:
    """The content block that ``event`` is about."""
    index = event["index"]
    if type(index) is not int:
        raise TypeError("index")
    return index


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where a text is promised")
    return value


def _integer(value: Any) -> int:
    return value if isinstance(value, int) else 0
