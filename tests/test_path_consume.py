"""The consumer: chunks of a queue batch to vectors."""

from __future__ import annotations

import json

import pytest
from path_support import (
    NOW,
    VECTOR,
    Scripted,
    env,
    reply,
)

from bench.path import invoke
from bench.path.errors import Reset
from bench.path.http import Reply, Request, read
from bench.path.text import sanitise

LINES = [
    {
        "id": f"acme:call-7:{n}",
        "text": f"text {n}",
        "speaker": 0,
        "startMs": n,
        "endMs": 9,
    }
    for n in range(3)
]


def bucket(*lines):
    """An R2 that holds ``lines`` under every key but those with "gone" in them."""
    body = b"\n".join(json.dumps(line).encode() for line in lines)

    def r2(call):
        if call.method == "PUT":
            return reply({})
        if "gone" in call.headers["cf-r2-request"]:
            return Reply(404, {}, b"")
        head = json.dumps({"size": len(body)}).encode()
        return Reply(200, {"cf-r2-metadata-size": str(len(head))}, head + body)

    return r2


def consume(messages, replies=None, **options):
    transport = Scripted({"r2": bucket(*LINES), **(replies or {})})
    body = messages if isinstance(messages, bytes) else json.dumps(messages).encode()
    queued = Request("POST", "/queue", {}, body)
    state, response = invoke("consume", queued, env(transport, **options))
    return state, response, read(response), transport


MESSAGE = {"transcriptId": "call-7", "tenantId": "acme", "key": "k", "from": 0, "to": 3}


def test_chunks_are_embedded_in_one_call_and_upserted():
    _, response, text, transport = consume([MESSAGE])
    assert (response.status, text) == (200, b'{"upserted":3,"missing":0}')
    embedded = transport.to("embeddings")
    assert [call.json["input"] for call in embedded] == [["text 0", "text 1", "text 2"]]
    upserted = transport.to("vectorize")[0]
    assert upserted.headers["content-type"] == "application/x-ndjson"
    assert upserted.headers["cf-vector-search-dim-height"] == "3"
    first = json.loads(upserted.body.split(b"\n")[0])
    assert (first["id"], first["values"]) == ("acme:call-7:0", VECTOR)
    assert first["metadata"] == {
        "tenantId": "acme",
        "source": "transcript",
        "title": "Transcript call-7",
        "createdAt": int(NOW),
        "weight": 1,
        "startMs": 0,
        "endMs": 9,
        "content": "text 0",
    }


def test_texts_can_live_in_r2_instead_of_metadata():
    _, _, _, transport = consume([MESSAGE], context="r2")
    first = json.loads(transport.to("vectorize")[0].body.split(b"\n")[0])
    assert "content" not in first["metadata"]
    puts = [call for call in transport.to("r2") if call.method == "PUT"]
    assert b'"object":"chunks/acme:call-7:0"' in puts[0].body
    assert puts[0].body.endswith(b"text 0")


def test_upserts_have_a_thousand_vectors_at_most():
    lines = [{"id": str(n), "text": "x"} for n in range(1100)]
    _, _, text, transport = consume([MESSAGE, MESSAGE], {"r2": bucket(*lines)})
    assert json.loads(text)["upserted"] == 2200
    sizes = [
        call.headers["cf-vector-search-dim-height"]
        for call in transport.to("vectorize")
    ]
    assert sizes == ["1000", "1000", "200"]


def test_messages_whose_object_is_gone_are_acknowledged():
    _, response, text, transport = consume([{**MESSAGE, "key": "gone"}])
    assert (response.status, text) == (200, b'{"upserted":0,"missing":1}')
    assert transport.to("embeddings") == []
    assert transport.to("vectorize") == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[7]", b"[{}]", b'[{"key":7}]', b"null"])
def test_a_batch_that_is_none_is_400(body):
    assert consume(body)[1].status == 400


@pytest.mark.parametrize("service", ["r2", "embeddings", "vectorize"])
def test_failures_of_the_consumer_have_answers(service):
    for failure, status in [(Reset(service), 502), (reply({}, 503), 502)]:
        assert consume([MESSAGE], {service: failure})[1].status == status


@pytest.mark.parametrize(
    "broken",
    [
        Reply(200, {}, b"abc"),
        Reply(200, {"cf-r2-metadata-size": "x"}, b"abc"),
        Reply(200, {"cf-r2-metadata-size": "2"}, b"{}abc"),
        Reply(200, {"cf-r2-metadata-size": "10"}, b'{"size":9}short'),
        Reply(200, {"cf-r2-metadata-size": "10"}, b'{"size":7}no json'),
        Reply(200, {"cf-r2-metadata-size": "10"}, b'{"size":2}[]'),
        Reply(200, {"cf-r2-metadata-size": "10"}, b'{"size":2}{}'),
    ],
)
def test_an_object_that_cannot_be_read_is_502(broken):
    assert consume([MESSAGE], {"r2": broken})[1].status == 502


def test_metadata_of_the_longest_chunk_fits_vectorize():
    text = sanitise("\U0001f600" * 2400)
    line = {
        "id": "a" * 64,
        "text": text,
        "speaker": 9999,
        "startMs": 10**9,
        "endMs": 10**9,
    }
    _, _, _, transport = consume(
        [{**MESSAGE, "transcriptId": "x" * 64}], {"r2": bucket(line)}
    )
    metadata = json.loads(transport.to("vectorize")[0].body)["metadata"]
    assert len(json.dumps(metadata, ensure_ascii=False).encode()) <= 10 * 1024
