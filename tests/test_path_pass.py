"""Streams that are passed on untouched, and clients that leave."""

from __future__ import annotations

import itertools
import json

import pytest
from path_support import (
    Scripted,
    chat,
    env,
    says,
    text_of,
)

from bench.path import invoke
from bench.path.errors import Reset
from bench.path.http import read


def cut(data, cuts):
    edges = [0, *sorted(c % (len(data) + 1) for c in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def said(data: bytes) -> str:
    """The text of an Anthropic stream, read by nothing but lines and json."""
    events = [
        json.loads(line.removeprefix("data:"))
        for line in data.decode().split("\n")
        if line.startswith("data:")
    ]
    texts = [event["delta"].get("text", "") for event in events if "delta" in event]
    starts = [event["content_block"] for event in events if "content_block" in event]
    return "".join(start.get("text", "") for start in starts) + "".join(texts)


def streams(real, kind):
    return sorted((real / "sse" / kind).glob("*.sse"))


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
