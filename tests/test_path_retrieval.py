"""From the query to its context: embedding, Vectorize, re-ranking, assembly."""

from __future__ import annotations

import json
import struct
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from path_support import (
    NOW,
    SECRETS,
    VECTOR,
    answer,
    error_of,
    match,
    reply,
)

from bench.path.bindings.vectorize import Match
from bench.path.chat.rerank import cosine, score
from bench.path.http import Reply
from bench.services import _rerank_wire
from bench.services._messages import Call


def test_the_query_is_embedded_and_the_tenant_filtered():
    _, _, _, transport = answer()
    asked = transport.to("embeddings")[0]
    assert asked.headers["authorization"] == f"Bearer {SECRETS.openai_api_key}"
    assert asked.json["input"] == "Why?"
    assert (asked.json["dimensions"], asked.json["encoding_format"]) == (1536, "float")
    query = transport.to("vectorize")[0].json
    assert query["filter"] == {"tenantId": "acme"}
    assert (query["topK"], query["returnMetadata"]) == (8, "all")
    assert query["returnValues"] is False
    assert query["vector"] == VECTOR


def test_base64_gives_the_numbers_of_float_text(real):
    def vector(name, embedding):
        body = (real / "embeddings" / name).read_bytes()
        state, *_ = answer(
            replies={"embeddings": Reply(200, {}, body)}, embedding=embedding
        )
        return state.vector

    for name, kind in [
        ("float_1536_compact_29495.json", "float"),
        ("float_1536_pretty_33300.json", "float"),
        ("base64_1536_8413.json", "base64"),
    ]:
        values = vector(name, kind)
        assert len(values) == 1536
        assert sqrt(sum(v * v for v in values)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"{",
        b'{"data":[]}',
        b'{"data":[{"embedding":[1.0]}]}',
        b'{"data":[{"embedding":"AAAA"}]}',
        b'{"data":[{"embedding":"!!!"}]}',
        b'{"data":[{"embedding":null}]}',
        json.dumps({"data": [{"embedding": VECTOR}] * 2}).encode(),
        json.dumps({"data": [{"embedding": VECTOR}]}).replace("1.0", "1e999").encode(),
    ],
)
def test_an_embedding_that_is_none_is_the_services_fault(body):
    _, response, text, _ = answer(replies={"embeddings": Reply(200, {}, body)})
    assert response.status == 502
    assert error_of(text)["message"].startswith("embeddings")


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"matches": 7},
        {"matches": [7]},
        {"matches": [{"id": "a"}]},
        {"matches": [{"id": "a", "score": "x"}]},
        {"matches": [{"id": "a", "score": 1, "metadata": "x"}]},
        {"matches": [{"id": "a", "score": 1, "values": 7}]},
    ],
)
@pytest.mark.parametrize("rerank", ["off", "in_path"])
def test_matches_that_are_none_are_the_services_fault(value, rerank):
    _, response, *_ = answer(replies={"vectorize": reply(value)}, rerank=rerank)
    assert response.status == 502


@pytest.mark.parametrize(
    "broken",
    [
        match("a"),
        match("a", [1.0]),
        match("a", ["x"] * 1536),
        match("a", VECTOR, createdAt="yesterday"),
        match("a", VECTOR, weight=None),
    ],
)
def test_reranking_refuses_what_it_cannot_score(broken):
    replies = {"vectorize": reply({"matches": [broken]})}
    assert answer(replies=replies, rerank="in_path")[1].status == 502


def test_reranking_orders_by_the_custom_score():
    old, new = int(NOW) - 400 * 86400, int(NOW)
    matches = [
        match("old", VECTOR, createdAt=old),
        match("new", VECTOR, createdAt=new),
        match("heavy", VECTOR, createdAt=old, weight=1.5),
        match("far", [1.0, *VECTOR[1:]], createdAt=old),
    ]
    replies = {"vectorize": reply({"matches": matches})}
    state, _, _, transport = answer(replies=replies, rerank="in_path")
    assert [found.id for found in state.matches] == ["heavy", "new", "old", "far"]
    assert transport.to("vectorize")[0].json["returnValues"] is True
    assert answer(replies=replies)[0].matches[0].id == "old"


def placed(*order, scores=True):
    body = struct.pack(f"<{len(order)}I", *order)
    return Reply(200, {}, body * 2 if scores else body)


def test_offloaded_the_service_is_asked_by_id_and_gives_the_order():
    found = reply({"matches": [match("a"), match("b"), match("c")]})
    replies = {"vectorize": found, "rerank": placed(2, 0, 1)}
    state, response, _, transport = answer(replies=replies, rerank="offload")
    assert response.status == 200
    assert [match.id for match in state.matches] == ["c", "a", "b"]
    assert transport.to("vectorize")[0].json["returnValues"] is False
    [asked] = transport.to("rerank")
    [job] = _rerank_wire.parse(Call("POST", "/rerank", {}, asked.headers, asked.body))
    assert (job.ids, job.tenant, job.now) == (["a", "b", "c"], "acme", NOW)
    assert list(job.query) == VECTOR


def test_offloaded_nothing_is_asked_about_no_matches():
    replies = {"vectorize": reply({"matches": []})}
    _, response, _, transport = answer(replies=replies, rerank="offload")
    assert response.status == 200
    assert transport.to("rerank") == []


@pytest.mark.parametrize(
    "said",
    [
        Reply(200, {}, b""),
        placed(0, 1, 2, scores=False),
        placed(0, 1),
        placed(0, 1, 1),
        placed(0, 1, 3),
        Reply(404, {}, b"{}"),
    ],
)
def test_an_order_that_is_none_is_the_services_fault(said):
    found = reply({"matches": [match("a"), match("b"), match("c")]})
    replies = {"vectorize": found, "rerank": said}
    _, response, text, _ = answer(replies=replies, rerank="offload")
    assert response.status == 502
    assert error_of(text)["message"].startswith("rerank")


def test_the_score_is_the_documented_formula():
    about = {"createdAt": NOW - 30 * 86400, "tenantId": "acme", "weight": 1.2}
    found = Match("a", 0.0, about, [])
    assert score(0.8, found, "acme", NOW) == pytest.approx(1.2 * (0.8 + 0.075 + 0.05))
    assert score(0.8, found, "other", NOW) == pytest.approx(1.2 * (0.8 + 0.075))


floats = st.floats(-1, 1)


@given(st.lists(st.tuples(floats, floats), min_size=1, max_size=20))
def test_cosine_is_the_definition_and_bounded(pairs):
    a, b = zip(*pairs, strict=True)
    norm = sqrt(sum(x * x for x in a))
    other = sqrt(sum(x * x for x in b))
    dot = sum(x * y for x, y in pairs)
    expected = dot / (norm * other) if norm * other else 0
    assert cosine(a, norm, b) == pytest.approx(expected, abs=1e-6)
    assert abs(cosine(a, norm, b)) <= 1 + 1e-6 or norm * other < 1e-150


def test_context_from_r2_is_read_by_id():
    replies = {"vectorize": reply({"matches": [match("x"), match("y")]})}
    state, _, _, transport = answer(replies=replies, context="r2")
    keys = [
        json.loads(c.headers["cf-r2-request"])["object"] for c in transport.to("r2")
    ]
    assert keys == ["chunks/x", "chunks/y"]
    assert state.context == "a\nb c\n\n---\n\na\nb c"


def test_matches_without_text_are_left_out():
    matches = [match("a", content=None), match("b"), match("c", content="")]
    state, *_ = answer(replies={"vectorize": reply({"matches": matches})})
    assert state.context == "text of b"
    gone = Reply(404, {}, b"")
    state, *_ = answer(replies={"r2": gone}, context="r2")
    assert state.context == ""
