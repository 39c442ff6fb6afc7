"""Embeddings, Workers AI, Anthropic and OpenAI: bodies, errors and replayed streams."""

from __future__ import annotations

import base64
import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_support import answered, call

from bench.errors import UserError
from bench.services import ai, anthropic, embeddings, openai
from bench.services._hashing import embed
from bench.services._messages import Stream
from bench.services._streams import events, inside_characters, splitter

STREAM = (
    'event: a\ndata: {"t":"é☕🙂"}\n\nevent: b\ndata: {"t":"x"}\n\ndata: [DONE]\n\n'
)
BEARER = {"authorization": "Bearer key"}
ANTHROPIC = {"x-api-key": "key", "anthropic-version": "2023-06-01"}


def ask(service, path, body, headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return answered(service, call("POST", path, raw, headers))


def embedded(text, headers=BEARER, **more):
    body = {"model": "text-embedding-3-small", "input": text, **more}
    return ask(embeddings.Service(1), "/v1/embeddings", body, headers)


def cosine(left, right):
    return float(np.dot(embed(left, 1536), embed(right, 1536)))


def test_texts_that_share_words_are_near():
    asked = "how long must call recordings be kept for compliance"
    near = "compliance requires that call recordings are kept for seven years"
    far = "the weather in the mountains was lovely on sunday morning"
    assert cosine(asked, asked) == pytest.approx(1)
    assert cosine(asked, near) > 0.3 > 0.1 > abs(cosine(asked, far))


@given(st.text(max_size=60), st.integers(1, 300))
def test_an_embedding_has_length_one_and_is_always_the_same(text, size):
    vector = embed(text, size).copy()
    embed.cache_clear()
    assert np.linalg.norm(vector) == pytest.approx(1)
    assert np.array_equal(vector, embed(text, size))


def test_the_compact_body_has_the_recorded_form(real):
    recorded = (real / "embeddings" / "float_1536_compact_29495.json").read_text()
    body = embedded("what did the caller ask about the invoice").body.decode()
    there, here = json.loads(recorded), json.loads(body)
    assert list(here) == list(there)
    assert list(here["data"][0]) == list(there["data"][0])
    assert len(body) == pytest.approx(len(recorded), rel=0.01)
    values = here["data"][0]["embedding"]
    assert len(values) == 1536
    assert all(float(np.float16(value)) == value for value in values)
    numbers = body[body.index("[-") if "[-" in body else 0 :].split("]")[0]
    assert "e" not in numbers.replace("embedding", "").replace("object", "")


def test_the_base64_body_has_the_recorded_form_and_the_same_numbers(real):
    recorded = (real / "embeddings" / "base64_1536_8413.json").read_text()
    body = embedded("a text", encoding_format="base64").body.decode()
    assert len(body) == pytest.approx(len(recorded), abs=5)
    packed = json.loads(body)["data"][0]["embedding"]
    floats = json.loads(embedded("a text").body)["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(packed), "<f4").tolist() == floats
    assert list(json.loads(body)["data"][0]) == list(json.loads(recorded)["data"][0])


def test_a_batch_keeps_its_order_and_dimensions_are_respected():
    answer = json.loads(embedded(["one text", "two texts"], dimensions=64).body)
    assert [item["index"] for item in answer["data"]] == [0, 1]
    assert {len(item["embedding"]) for item in answer["data"]} == {64}
    alone = json.loads(embedded("two texts", dimensions=64).body)
    assert answer["data"][1]["embedding"] == alone["data"][0]["embedding"]


@pytest.mark.parametrize(
    ("status", "more"),
    [
        (404, {"model": "unknown"}),
        (400, {"input": ""}),
        (400, {"input": []}),
        (400, {"input": 5}),
        (400, {"input": ["x"] * 2049}),
        (400, {"input": "word " * 8000}),
        (400, {"dimensions": 1537}),
        (400, {"dimensions": 0}),
        (400, {"model": "text-embedding-ada-002", "dimensions": 5}),
        (400, {"encoding_format": "hex"}),
        (401, {"headers": {}}),
        (401, {"headers": {"authorization": "Basic x"}}),
    ],
)
def test_a_bad_embedding_request_has_openais_error_shape(status, more):
    reply = embedded(more.pop("input", "text"), **more)
    assert reply.status == status
    error = json.loads(reply.body)["error"]
    assert set(error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("provider", ["anthropic_400", "anthropic_401", "openai_400"])
def test_errors_have_the_keys_of_the_recorded_ones(real, provider):
    (path,) = (real / "errors").glob(f"{provider}__*")
    recorded = json.loads(path.read_text())
    name, _, status = provider.partition("_")
    service = {"anthropic": anthropic, "openai": openai}[name].Service(1)
    headers = {} if status == "401" else {**BEARER, **ANTHROPIC}
    path = {"anthropic": "/v1/messages", "openai": "/v1/chat/completions"}[name]
    reply = ask(service, path, b"{", headers)
    made = json.loads(reply.body)
    assert reply.status == int(status)
    assert list(made) == list(recorded)
    assert set(made["error"]) == set(recorded["error"])
    assert made["error"]["type"] == recorded["error"]["type"]


def request(**more):
    messages = [{"role": "user", "content": "Tell me about the café"}]
    return {"model": "m", "max_tokens": 100, "messages": messages, **more}


def message(body, headers=ANTHROPIC, **settings):
    service = anthropic.Service(1)
    service.configure(settings)
    return ask(service, "/v1/messages", body, headers)


@pytest.mark.parametrize(
    ("status", "kind", "body", "headers"),
    [
        (401, "authentication_error", request(), {"anthropic-version": "x"}),
        (400, "invalid_request_error", request(), {"x-api-key": "key"}),
        (400, "invalid_request_error", b"{", ANTHROPIC),
        (400, "invalid_request_error", {"model": "m", "messages": []}, ANTHROPIC),
        (400, "invalid_request_error", request(messages=[]), ANTHROPIC),
        (400, "invalid_request_error", request(max_tokens=0), ANTHROPIC),
        (413, "request_too_large", bytes(32 * 2**20 + 1), ANTHROPIC),
    ],
)
def test_a_bad_message_request(status, kind, body, headers):
    reply = message(body, headers)
    answer = json.loads(reply.body)
    assert (reply.status, answer["type"]) == (status, "error")
    assert answer["error"]["type"] == kind
    assert reply.headers["request-id"] == answer["request_id"]


def test_a_wrong_key_is_401():
    assert message(request(), api_key="other").status == 401
    assert message(request(), api_key="key").status == 200
    service = openai.Service(1)
    service.configure({"api_key": "other"})
    reply = ask(service, "/v1/chat/completions", request(), BEARER)
    assert (reply.status, b"invalid_api_key" in reply.body) == (401, True)


def test_a_completion_is_made_from_the_request_and_repeats():
    first, second = (message(request()) for _ in range(2))
    assert first.body == second.body
    answer = json.loads(first.body)
    assert "Tell me about the café" in answer["content"][0]["text"]
    assert answer["stop_reason"] == "end_turn"
    blocks = [{"role": "user", "content": [{"type": "text", "text": "in a block"}]}]
    assert b"in a block" in message(request(messages=blocks)).body
    reply = ask(openai.Service(1), "/v1/chat/completions", request(), BEARER)
    said = json.loads(reply.body)["choices"][0]["message"]["content"]
    assert "Tell me about the café" in said


PROVIDERS = [
    (anthropic, "/v1/messages", ANTHROPIC, request(stream=True)),
    (openai, "/v1/chat/completions", BEARER, request(stream=True)),
    (
        ai,
        "/run",
        {"cf-consn-model-id": "@cf/meta/llama-3.1-8b-instruct"},
        {"inputs": {"prompt": "x", "stream": True}},
    ),
]


@pytest.mark.parametrize(("module", "path", "headers", "body"), PROVIDERS)
@pytest.mark.parametrize("split", ["event", "bytes:1", "bytes:7", "random"])
def test_a_stream_is_replayed_whole_in_any_split(module, path, headers, body, split):
    service = module.Service(1)
    service.put({"stream": STREAM * 9})
    service.configure({"split": split, "delay_ms": 2})
    answer = ask(service, path, body, headers)
    assert isinstance(answer, Stream)
    chunks = answer.split(answer.body)
    assert b"".join(chunks) == STREAM.encode() * 9
    assert len(chunks) > 1
    assert answer.delay_s == 0.002
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert service.dump()["last_request"] == body


@pytest.mark.parametrize(("module", "path", "headers", "body"), PROVIDERS)
def test_without_a_stream_put_a_default_one_is_replayed(module, path, headers, body):
    answer = ask(module.Service(1), path, body, headers)
    assert answer.body.endswith(b"\n\n")
    assert b"data: " in answer.body


@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_recorded_streams_are_cut_into_their_events(real, provider):
    for path in sorted((real / "sse" / provider).iterdir()):
        stream = path.read_bytes()
        parts = events(stream)
        assert b"".join(parts) == stream
        assert sum(b"data: " in part for part in parts) == stream.count(b"data: ")


@given(st.text(max_size=80), st.integers(0, 5), st.integers(1, 9))
def test_every_split_only_cuts(text, seed, size):
    body = text.encode(errors="replace")
    for name in ("event", "random", f"bytes:{size}"):
        chunks = splitter(name, random.Random(seed))(body)
        assert b"".join(chunks) == body
        assert all(chunks)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_inside_characters_cuts_every_long_character_and_nothing_else(text):
    body = text.encode()
    chunks = inside_characters(body)
    assert b"".join(chunks) == body
    assert len(chunks) == (sum(ord(c) > 127 for c in text) + 1 if body else 0)
    for chunk in chunks[:-1]:
        with pytest.raises(UnicodeDecodeError):
            chunk.decode()


def test_random_splits_repeat_with_the_seed_and_differ_between_streams():
    def cuts(seed, count):
        service = anthropic.Service(seed)
        service.put({"stream": STREAM * 20})
        service.configure({"split": "random"})
        answers = [
            ask(service, "/v1/messages", request(stream=True), ANTHROPIC)
            for _ in range(count)
        ]
        return [answer.split(answer.body) for answer in answers]

    assert cuts(1, 3) == cuts(1, 3)
    assert cuts(1, 1) != cuts(2, 1)
    first, second = cuts(1, 2)
    assert first != second


@pytest.mark.parametrize("split", ["bytes:0", "bytes:", "lines", "events"])
def test_an_unknown_split_is_refused(split):
    with pytest.raises(UserError, match="split"):
        anthropic.Service(1).configure({"split": split})


def test_a_stream_that_is_none_cannot_be_put():
    for data in ({"stream": ""}, {}, None):
        with pytest.raises(UserError, match="stream"):
            openai.Service(1).put(data)


def run(model, inputs):
    headers = {"cf-consn-model-id": model}
    return ask(ai.Service(1), "/run", {"inputs": inputs}, headers)


def test_workers_ai_embeds_and_writes():
    answer = json.loads(run("@cf/baai/bge-base-en-v1.5", {"text": ["a", "b"]}).body)
    assert answer["shape"] == [2, 768]
    assert [len(row) for row in answer["data"]] == [768, 768]
    one = json.loads(run("@cf/baai/bge-small-en-v1.5", {"text": "a"}).body)
    assert one["shape"] == [1, 384]
    reply = run("@cf/meta/llama-3.1-8b-instruct", {"prompt": "say hello"})
    assert "say hello" in json.loads(reply.body)["response"]
    # The binding compares the type exactly and parses only then.
    assert reply.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        ("unknown", {"prompt": "x"}),
        ("@cf/baai/bge-base-en-v1.5", {}),
        ("@cf/baai/bge-base-en-v1.5", {"text": ["x"] * 101}),
        ("@cf/meta/llama-3.1-8b-instruct", {}),
        ("@cf/meta/llama-3.1-8b-instruct", {"prompt": 5}),
    ],
)
def test_workers_ai_errors_have_the_fields_that_the_binding_reads(model, inputs):
    reply = run(model, inputs)
    assert reply.status == 400
    assert {"internalCode", "name", "description"} <= set(json.loads(reply.body))
