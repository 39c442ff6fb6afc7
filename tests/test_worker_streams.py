"""Generated streams of the model through the Python path and through the Worker."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from path_support import data_of, says, sse, text_delta
from worker_strategies import broken, event_streams
from worker_support import TALLY, halves

from bench import fixture_set

SEEN: Counter[str] = Counter()
SPLIT = st.sampled_from(["event", "random", "bytes:1", "bytes:7", "bytes:64"])
MODE = st.sampled_from(["convert", "convert", "pass"])
FIXTURES = ("anthropic.sse", "anthropic_tool.sse", "openai.sse")


@pytest.fixture(scope="module")
def both(request):
    with halves(request.config) as running:
        yield running


def compare(both, kind, data, split, mode):
    both.each(lambda one: one.put("anthropic", {"stream": data}))
    both.each(lambda one: one.configure("anthropic", split=split))
    question = both.world.requests["chat"]
    answer = both.compare(kind, "chat", question, stores=("d1",), stream=mode)
    assert answer[0] == 200
    return answer[2]


@given(event_streams(), SPLIT, MODE)
@settings(max_examples=140)
def test_generated_streams(both, stream, split, mode):
    body = compare(both, "generated stream", stream, split, mode)
    if mode == "convert":
        events = [event for event in data_of(body) if isinstance(event, dict)]
        SEEN["said" if any("choices" in e for e in events) else "said nothing"] += 1
        SEEN["failed"] += any("error" in event for event in events)


@given(st.data(), st.sampled_from(FIXTURES), SPLIT, MODE)
@settings(max_examples=40)
def test_streams_with_something_broken_in_them(both, data, name, split, mode):
    stream = data.draw(broken(fixture_set.read(name)[:4000]))
    compare(both, "broken stream", stream, split, mode)


BEGIN = {"type": "message_start", "message": {"id": "m", "model": "x"}}
STOP = {"type": "message_stop"}
STREAMS = {
    "a line over the limit": sse(BEGIN, text_delta("x" * 2**21), text_delta("y"), STOP),
    "nothing but blanks": b"\n\r\n\n",
    "an event that is cut off": says("Hello")[:-40],
    "half pairs apart": sse(BEGIN, text_delta("\ud83d"), text_delta("\ude00"), STOP),
    "half a pair": sse(BEGIN, text_delta("a\ud83d b"), STOP),
    "no words": sse(BEGIN, STOP),
    "bytes after the end": says("Hello") + b": more\n\n" * 200,
    "a character cut by a line": b'data: {"choices":[{"delta":{"content":"\xe2\x82\n\n',
    "a long error": sse(
        {"type": "error", "error": {"type": "t" * 501, "message": "m"}}
    ),
    "a long message": sse(
        {"type": "error", "error": {"type": "t", "message": "\U0001f600" * 501}}
    ),
    "lines of one event": b'data: {"choices":\r\ndata\r\ndata: [{"delta":\r\n'
    b'data:{"content":"x"}}]}\r\n\r\ndata: [DONE]\r\n\r\n',
    "contents of any type": b"".join(
        b'data: {"choices":[{"delta":{"content":%s}}]}\n\n' % content
        for content in (b'"a"', b"null", b'""', b"0", b"false", b"[]", b"{}", b"7")
    ),
    "bytes that are no UTF-8": b'data: {"choices":[{"delta":{"content":"a\xff\xe2\x82b"'
    b"}}]}\n\ndata: [DONE]\n\n",
}


@pytest.mark.parametrize("mode", ["convert", "pass"])
@pytest.mark.parametrize("name", STREAMS)
def test_streams_that_are_rare(both, name, mode):
    for split in ("event", "bytes:1") if len(STREAMS[name]) < 10_000 else ("event",):
        compare(both, "rare stream", STREAMS[name], split, mode)


def test_enough_was_compared():
    assert TALLY["generated stream"] >= 140
    assert SEEN["said"] > 60
    assert SEEN["failed"] > 20
