"""Send the model's words on as they come.

``convert`` turns Anthropic events into OpenAI chunks. ``pass`` sends the bytes on
untouched and keeps a reference to each chunk; the words are read out of them once,
when the client has everything (``collect``, called by save_turn).

From the first byte on there is no status code left to change: whatever breaks becomes
an error event, and the stream ends in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from bench.path import bookmark
from bench.path.bindings import llm
from bench.path.chat import State
from bench.path.convert import Converter, StreamStats
from bench.path.env import Env
from bench.path.errors import Short, UpstreamError, explain
from bench.path.http import Response, StreamReply
from bench.path.sse import Parser
from bench.path.wire import dumps

ORDER = 110

_DRAINED_CHUNKS = 8
_KEPT_BYTES = 4 * 2**20  # of a passed stream; the largest recorded one has 256 KB


def run(state: State, env: Env) -> Response | None:
    """Set ``answer``, whose body does the work of this stage while it is drained."""
    headers = {
        "content-type": "text/event-stream",
        "cache-control": "no-cache",
        "access-control-allow-origin": "*",
    }
    if env.options.consistency == "session" and state.bookmark:
        headers[bookmark.HEADER] = state.bookmark
    state.stream = StreamStats()
    state.passed = []
    if env.options.stream == "pass":
        body = passed(state.upstream, state)
    else:
        body = converted(state.upstream, state.stream, int(env.clock()))
    state.answer = Response(200, headers, body)
    return None


def converted(
    upstream: StreamReply, stats: StreamStats, created: int
) -> Iterator[bytes]:
    """OpenAI chunks for the upstream's events, with exactly one end mark.

    The bytes do not depend on how the upstream's were cut into chunks.
    """
    parser = Parser()
    converter = Converter(created, stats)
    try:
        for chunk in upstream.chunks:
            yield from _some(b"".join(map(converter.event, parser.feed(chunk))))
            if stats.done:
                _drain(upstream)
                break
        else:
            yield from _some(b"".join(map(converter.event, parser.close())))
            yield from _some(converter.fail(*explain(Short(llm.SERVICE))[1:]))
    except UpstreamError as error:
        yield from _some(converter.fail(*explain(error)[1:]))
    finally:
        stats.oversized = parser.oversized
        upstream.close()


def _some(output: bytes) -> Iterator[bytes]:
    """``output``, unless it is empty: an empty chunk would end an HTTP body."""
    if output:
        yield output


def _drain(upstream: StreamReply) -> None:
    """Read what little may follow the end, so that the connection can be used again."""
    try:
        for _ in islice(upstream.chunks, _DRAINED_CHUNKS):
            pass
    except UpstreamError:
        return  # the answer is complete; only the connection is lost


def passed(upstream: StreamReply, state: State) -> Iterator[bytes]:
    """The upstream's bytes as they come; an Anthropic error event if they break off."""
    stats = state.stream
    size = 0
    try:
        for chunk in upstream.chunks:
            size += len(chunk)
            if size <= _KEPT_BYTES:
                state.passed.append(chunk)
            yield chunk
        stats.done = True
    except UpstreamError as error:
        _, kind, message = explain(error)
        stats.error = kind
        event = {"type": "error", "error": {"type": kind, "message": message}}
        yield b"\n\nevent: error\ndata: " + dumps(event) + b"\n\n"
    finally:
        upstream.close()


def collect(state: State) -> None:
    """Read the words and counts of a passed stream into ``state.stream``."""
    parser = Parser()
    stats = StreamStats()
    converter = Converter(0, stats)
    for data in parser.feed(b"".join(state.passed)) + parser.close():
        converter.event(data)
    stats.oversized = parser.oversized
    stats.error = stats.error or state.stream.error
    state.stream = stats
