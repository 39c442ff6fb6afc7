"""Streams that are passed on untouched, and clients that leave."""

from __future__ import annotations

import json

import pytest
from path_support import Scripted, chat, cut, env, said, says, streams, text_of

from bench.path import invoke
from bench.path.errors import Reset
from bench.path.http import read


def run_chat(chunks, **options):
    transport = Scripted(stream_chunks=chunks)
    state, response = invoke("chat", chat(), env(transport, **options))
    return state, read(response), transport


@pytest.mark.parametrize("kind", ["anthropic", "openai"])
def test_pass_leaves_every_byte_and_still_knows_the_text(real, kind):
    for path in streams(real, kind):
        body = path.read_bytes()
        state, out, transport = run_chat(
            cut(body, range(0, len(body), 53)), stream="pass"
        )
        assert out == body
        text = said(body) if kind == "anthropic" else text_of(body)
        assert "".join(state.stream.text) == text
        assert transport.closed == 1


def test_a_passed_stream_that_breaks_ends_in_an_error_event():
    state, out, _ = run_chat([says("Hello")[:300], Reset("anthropic")], stream="pass")
    assert out.startswith(says("Hello")[:300])
    last = out.rstrip().split(b"\n\n")[-1]
    event, data = last.split(b"\n")
    assert event == b"event: error"
    assert json.loads(data.removeprefix(b"data: "))["error"]["type"] == "upstream_reset"
    assert state.stream.error == "upstream_reset"
    assert state.turn_messages == []


@pytest.mark.parametrize("mode", ["convert", "pass"])
def test_a_client_that_leaves_closes_the_upstream_and_saves_nothing(mode):
    transport = Scripted(stream_chunks=[says("Hello"), b"more"])
    _, response = invoke("chat", chat(), env(transport, stream=mode))
    body = iter(response.body)
    next(body)
    body.close()
    assert transport.closed == 1
    assert len(transport.to("d1")) == 1
