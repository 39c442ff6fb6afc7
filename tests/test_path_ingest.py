"""Ingestion: what is taken in, stored and queued."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from path_support import (
    Scripted,
    env,
    error_of,
    ingest,
    reply,
    transcript,
    upload,
)

from bench.path import invoke
from bench.path.bindings.queue import BATCH_BYTES, BATCH_MESSAGES, batches
from bench.path.errors import Reset
from bench.path.http import Reply, read


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"authorization": "Bearer nobody"}, 401),
        ({"authorization": ""}, 401),
        ({"method": "GET"}, 405),
        ({"path": "/transcripts/"}, 404),
        ({"path": "/transcripts/a b"}, 404),
        ({"path": "/transcripts/a/../b"}, 404),
        ({"path": "/other"}, 404),
        ({"path": "/transcripts/" + "x" * 60}, 400),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": ""}, 415),
        ({"body": b"x" * 1001}, 413),
        ({"body": b"x"}, 400),
    ],
)
def test_what_is_no_transcript_by_its_outside(given, status):
    transport = Scripted()
    environment = env(transport, max_transcript_bytes=1000)
    _, response = invoke("ingest", upload(**given), environment)
    assert response.status == status
    assert error_of(read(response))
    assert [call.service for call in transport.calls if call.service != "kv"] == []


def many(count):
    lines = [(n % 2, f"{n} " + "word " * 220, n, n + 1) for n in range(count)]
    return transcript(lines).encode()


def test_objects_and_messages_name_each_other():
    body = many(70)
    state, response, text, transport = ingest(body)
    assert response.status == 202
    assert json.loads(text) == {"transcriptId": "call-7", "chunks": 70, "messages": 3}
    assert text == b'{"transcriptId":"call-7","chunks":70,"messages":3}'
    puts = {}
    for call in transport.to("r2"):
        size = int(call.headers["cf-r2-metadata-size"])
        puts[json.loads(call.body[:size])["object"]] = call.body[size:]
    assert puts.pop("transcripts/acme/call-7.json") == body
    queued = transport.to("queue")[0]
    assert queued.headers["cf-queue-batch-count"] == "3"
    assert state.messages[1] == {
        "transcriptId": "call-7",
        "tenantId": "acme",
        "key": "transcripts/acme/call-7/1.ndjson",
        "from": 32,
        "to": 64,
    }
    for message in state.messages:
        lines = [json.loads(line) for line in puts.pop(message["key"]).split(b"\n")]
        numbers = range(message["from"], message["to"])
        assert [line["id"] for line in lines] == [f"acme:call-7:{n}" for n in numbers]
        assert list(lines[0]) == ["id", "text", "speaker", "startMs", "endMs"]
    assert puts == {}


def test_a_transcript_without_speech_is_stored_and_queues_nothing():
    _, response, text, transport = ingest(transcript([]).encode())
    assert response.status == 202
    assert json.loads(text)["chunks"] == 0
    assert transport.to("queue") == []
    assert len(transport.to("r2")) == 1


@given(st.lists(st.integers(1, 127_900).map(lambda size: b"x" * size), max_size=12))
def test_queue_batches_keep_the_limits_and_the_order(messages):
    made = list(batches(messages))
    assert [message for part in made for message in part] == messages
    for part in made:
        assert 0 < len(part) <= BATCH_MESSAGES
        assert len(part) == 1 or sum(map(len, part)) <= BATCH_BYTES


def test_queue_batches_have_a_hundred_messages_at_most():
    assert [len(part) for part in batches([b"{}"] * 250)] == [100, 100, 50]


@pytest.mark.parametrize("service", ["kv", "r2", "queue"])
def test_failures_of_ingestion_have_answers(service):
    for failure, status in [
        (Reset(service), 502),
        (reply({}, 500), 502),
        (reply({}, 429, retry_after="3"), 429),
    ]:
        _, response, text, _ = ingest(many(2), {service: failure})
        assert response.status == status
        assert error_of(text)["message"].startswith(service)


def test_a_queue_that_answers_nonsense_is_502():
    assert ingest(many(2), {"queue": Reply(200, {}, b"")})[1].status == 502


def test_a_long_transcript_is_bounded_batches():
    """10 MB: the number of calls, and the size of each."""
    spoken = [(n % 2, f"{n} " + "speech " * 160, n, n + 1) for n in range(9000)]
    body = transcript(spoken).encode()
    assert len(body) > 9_000_000
    state, response, _, transport = ingest(body)
    assert response.status == 202
    assert len(state.messages) == -(-len(state.chunks) // 32)
    for call in transport.to("queue"):
        assert int(call.headers["cf-queue-batch-count"]) <= 100
        assert int(call.headers["cf-queue-batch-bytes"]) <= 128_000
