"""Anthropic events to OpenAI chunks: what goes in comes out, however it is cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from path_support import (
    NOW,
    cut,
    data_of,
    raising,
    said,
    says,
    sse,
    streams,
    text_delta,
    text_of,
)

from bench import fixture_set
from bench.fixtures import anthropic_stream, openai_stream
from bench.path.chat.stream import converted
from bench.path.convert import StreamStats
from bench.path.errors import Reset, Short, TimedOut
from bench.path.http import StreamReply

DONE = b"data: [DONE]\n\n"
START = {"type": "message_start", "message": {"id": "m", "model": "x"}}
STOP = {"type": "message_stop"}


def convert(chunks, stats=None):
    """The stream stage's conversion alone."""
    upstream = StreamReply(200, {}, raising(chunks))
    return b"".join(converted(upstream, stats or StreamStats(), int(NOW)))


@pytest.fixture(scope="module")
def generated():
    """Streams of our own generator, by kind of content."""
    names = {"anthropic.sse", "anthropic_tool.sse"}
    found = {name: fixture_set.read(name) for name in names}
    for seed in (2, 3):
        params = anthropic_stream.FILES["anthropic.sse"]
        found[f"seed {seed}"] = anthropic_stream.generate(seed, **params)
    return found


def test_recorded_text_comes_out_as_it_went_in(real):
    paths = streams(real, "anthropic")
    assert len(paths) >= 10
    for path in paths:
        data, stats = path.read_bytes(), StreamStats()
        out = convert([data], stats)
        assert text_of(out) == said(data) == "".join(stats.text), path.name
        assert out.endswith(DONE), path.name
        assert out.count(b"[DONE]") == 1, path.name
        assert (stats.malformed, stats.oversized, stats.error) == (0, 0, None)


def test_generated_text_comes_out_as_it_went_in(generated):
    for name, data in generated.items():
        assert text_of(convert([data])) == said(data), name


@given(st.data())
def test_no_cutting_of_a_recorded_stream_changes_the_output(real, data):
    path = data.draw(st.sampled_from(streams(real, "anthropic")))
    cuts = data.draw(st.lists(st.integers(0, 2**20), max_size=40))
    body = path.read_bytes()
    assert convert(cut(body, cuts)) == convert([body])


@given(st.lists(st.text(max_size=30), max_size=8), st.lists(st.integers(0, 9999)))
def test_any_text_and_any_cutting(texts, cuts):
    body = says(*texts).replace(b'": ', b'":').replace(b"}\n\n", b"     }\r\n\r\n")
    assert text_of(convert(cut(body, cuts))) == "".join(texts)


def test_single_bytes_of_every_stream(real, generated):
    recorded = [path.read_bytes() for path in streams(real, "anthropic")]
    for body in [*recorded, *generated.values()]:
        assert convert([body[i : i + 1] for i in range(len(body))]) == convert([body])


def test_openai_streams_pass_unharmed(real):
    bodies = [path.read_bytes() for path in streams(real, "openai")]
    params = openai_stream.FILES["openai.sse"]
    for body in [*bodies, openai_stream.generate(4, **params)]:
        stats = StreamStats()
        assert convert(cut(body, range(0, len(body), 37)), stats) == body
        assert "".join(stats.text) == text_of(body)
        assert stats.malformed == 0


def test_chunks_have_openais_form():
    chunks = data_of(convert([says("Hel", "lo")]))
    first, *rest = chunks[:-2]
    assert list(first) == ["id", "object", "created", "model", "choices"]
    assert (first["id"], first["model"]) == ("msg_1", "claude-x")
    assert (first["object"], first["created"]) == ("chat.completion.chunk", NOW)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [chunk["choices"][0]["delta"] for chunk in rest] == [
        {"content": "Hel"},
        {"content": "lo"},
    ]
    assert chunks[-2]["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    usage = {"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17}
    assert chunks[-2]["usage"] == usage
    assert chunks[-1] == "[DONE]"


def test_bytes_are_compact_utf8_with_lone_surrogates_escaped():
    out = convert([sse(START, text_delta("é\ud83d"), STOP)])
    assert '"delta":{"content":"é\\ud83d"},"finish_reason":null}]}\n\n'.encode() in out


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("something_new", "stop"),
    ],
)
def test_stop_reasons_are_mapped(stop, finish):
    end = {"type": "message_delta", "delta": {"stop_reason": stop}}
    chunks = data_of(convert([sse(START, end, STOP)]))
    assert chunks[-2]["choices"][0]["finish_reason"] == finish


def test_a_stop_without_a_reason_still_finishes():
    chunks = data_of(convert([sse(START, text_delta("a"), STOP)]))
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1] == "[DONE]"


def tool_start(index, name, kind="tool_use", **more):
    block = {"type": kind, "id": f"toolu_{index}", "name": name, "input": {}, **more}
    return {"type": "content_block_start", "index": index, "content_block": block}


def tool_delta(index, text):
    delta = {"type": "input_json_delta", "partial_json": text}
    return {"type": "content_block_delta", "index": index, "delta": delta}


def tool_calls(body):
    """Tool calls of an OpenAI stream put together as a client does."""
    calls = {}
    for chunk in data_of(body):
        if chunk == "[DONE]" or not chunk["choices"]:
            continue
        for part in chunk["choices"][0]["delta"].get("tool_calls", []):
            call = calls.setdefault(part["index"], {"arguments": ""})
            call["arguments"] += part["function"]["arguments"]
            if "id" in part:
                assert part["type"] == "function"
                call |= {"id": part["id"], "name": part["function"]["name"]}
    return [calls[index] for index in sorted(calls)]


def test_tool_use_becomes_tool_calls():
    stop = {"type": "content_block_stop", "index": 2}
    body = sse(
        START,
        text_delta("Let me look."),
        tool_start(1, "search"),
        tool_delta(1, ""),
        tool_delta(1, '{"q": "a'),
        tool_delta(1, 'b"}'),
        tool_start(2, "now"),
        stop,
        tool_start(3, "whole", input={"x": 1}),
        {"type": "content_block_stop", "index": 3},
        STOP,
    )
    assert tool_calls(convert([body])) == [
        {"id": "toolu_1", "name": "search", "arguments": '{"q": "ab"}'},
        {"id": "toolu_2", "name": "now", "arguments": "{}"},
        {"id": "toolu_3", "name": "whole", "arguments": '{"x":1}'},
    ]


def test_tools_that_ran_at_the_provider_are_not_passed_on():
    stats = StreamStats()
    body = sse(
        START, tool_start(0, "web_search", "server_tool_use"), tool_delta(0, "{}"), STOP
    )
    assert tool_calls(convert([body], stats)) == []
    assert (stats.dropped, stats.malformed) == (2, 0)


def test_recorded_tool_arguments_are_json(real):
    body = next((real / "sse" / "anthropic").glob("*completion_tools*")).read_bytes()
    calls = tool_calls(convert([body]))
    assert calls
    assert all(isinstance(json.loads(call["arguments"]), dict) for call in calls)


def test_thinking_is_passed_as_reasoning_and_signatures_are_counted():
    deltas = [
        {"type": "thinking_delta", "thinking": "hm"},
        {"type": "signature_delta", "signature": "c2ln"},
    ]
    block = {"type": "thinking", "thinking": "", "signature": ""}
    events = [
        {"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas
    ]
    start = {"type": "content_block_start", "index": 0, "content_block": block}
    stats = StreamStats()
    out = convert([sse(START, start, *events, STOP)], stats)
    assert {"reasoning_content": "hm"} in [
        chunk["choices"][0]["delta"] for chunk in data_of(out)[:-1]
    ]
    assert b"c2ln" not in out
    assert (stats.signatures, "".join(stats.text)) == (1, "")


def test_an_error_event_becomes_an_error_chunk_and_a_proper_end(real):
    overloaded = (real / "errors" / "authored_anthropic_overloaded.sse").read_bytes()
    stats = StreamStats()
    out = convert([sse(START, text_delta("a")) + overloaded, says("late")], stats)
    error, end = data_of(out)[-2:]
    assert error == {
        "error": {
            "message": "Overloaded",
            "type": "overloaded_error",
            "param": None,
            "code": None,
        }
    }
    assert end == "[DONE]"
    assert stats.error == "overloaded_error"
    assert text_of(out) == "a"


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Reset("anthropic"), "upstream_reset"),
        (Short("anthropic"), "upstream_short"),
        (TimedOut("anthropic"), "upstream_timeout"),
        (b"", "upstream_short"),
    ],
)
@pytest.mark.parametrize("kept", [0, 50, 300])
def test_a_cut_ends_in_an_error_chunk_and_one_end_mark(failure, kind, kept):
    stats = StreamStats()
    out = convert([says("Hello")[:kept], failure], stats)
    error, end = data_of(out)[-2:]
    assert error["error"]["type"] == stats.error == kind
    assert end == "[DONE]"
    assert out.count(b"[DONE]") == 1


def test_what_breaks_after_the_end_does_not_matter():
    stats = StreamStats()
    whole = convert([says("Hello")])
    assert convert([says("Hello"), Reset("anthropic")], stats) == whole
    assert convert([says("Hello") + says("again")]) == whole
    assert stats.error is None


def test_little_is_read_after_the_end():
    """Enough to use the connection again, not all that an upstream sends."""
    read_on = []

    def talkative():
        yield says("Hello")
        for _ in range(1000):
            read_on.append(1)
            yield b": more\n\n"

    assert convert(talkative()) == convert([says("Hello")])
    assert 0 < len(read_on) < 20


@pytest.mark.parametrize(
    "data",
    [
        "{not json",
        '{"type":"content_block_delta","index":0,"delta":',
        "[]",
        "7",
        "null",
        '"type"',
        "{}",
        '{"type":"content_block_delta","index":0,"delta":[]}',
        '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta"}}',
        '{"type":"content_block_delta","index":0,'
        '"delta":{"type":"text_delta","text":7}}',
        '{"type":"content_block_start","index":{},"content_block":{"type":"tool_use",'
        '"id":"a","name":"b"}}',
        '{"type":"message_start","message":{"id":1,"model":"x"}}',
        '{"type":"message_delta","delta":{"stop_reason":["end_turn"]}}',
        '{"type":"error","error":"overloaded"}',
        '{"choices":[{"delta":{"content":7}}]}',
        '{"type":NaN}',
        "[" * 100_000,
        '{"type":"content_block_start","index":0,"content_block":{"type":"tool_use",'
        '"id":"a","name":"b","input":{"x":1e999}}}',
    ],
)
def test_malformed_data_is_skipped_and_counted(data):
    broken = f"data: {data}\n\n".encode()
    stats = StreamStats()
    body = says("Hello").replace(b"event: content_block_stop", broken, 1)
    assert text_of(convert([body], stats)) == "Hello"
    assert stats.malformed == 1
    assert stats.error is None


def test_unknown_events_and_pings_are_dropped_quietly():
    new = {"type": "something_new", "x": 1}
    ping = {"type": "ping"}
    stats = StreamStats()
    body = sse(START, ping, new, text_delta("a"), ping, STOP)
    assert text_of(convert([body], stats)) == "a"
    assert (stats.dropped, stats.malformed) == (1, 0)


def test_data_of_several_lines_comments_and_padding():
    event = json.dumps(text_delta("many lines"), indent=1).encode()
    lines = b"\n".join(b"data: " + line for line in event.split(b"\n"))
    body = sse(START) + b": hello\n\n" + lines + b"          \n\n" + sse(STOP)
    assert text_of(convert([body])) == "many lines"


def test_a_giant_line_is_dropped_and_counted():
    stats = StreamStats()
    body = sse(START, text_delta("x" * 2**21), text_delta("small"), STOP)
    assert text_of(convert(cut(body, range(0, len(body), 4096)), stats)) == "small"
    assert stats.oversized == 1


def test_broken_utf8_becomes_the_replacement_character():
    body = says("a#b").replace(b"#", b"\xff")
    assert text_of(convert([body])) == "a\ufffdb"


@given(st.binary(max_size=300), st.integers(0, 2000))
def test_no_bytes_make_the_stage_raise_or_end_twice(junk, place):
    body = says("Hello", "there")
    out = convert([body[:place] + junk + body[place:]])
    assert out.endswith(DONE)
    assert out.count(DONE) == 1
