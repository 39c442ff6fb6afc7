"""The stages of a chat request, each by what it answers and what it asks for."""

from __future__ import annotations

import json
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from path_support import (
    NOW,
    SECRETS,
    SESSION,
    TOKEN,
    VECTOR,
    Scripted,
    chat,
    env,
    error_of,
    match,
    reply,
    says,
    text_of,
)

from bench.errors import UserError
from bench.path import handle, invoke
from bench.path.bindings.vectorize import Match
from bench.path.chat.rerank import cosine, score
from bench.path.env import Options
from bench.path.errors import BadStatus, Reset
from bench.path.http import Reply, Request, read
from bench.path.text import sanitise


def answer(request=None, replies=None, **options):
    """State, status, body and transport of one chat request."""
    transport = Scripted(replies or {})
    state, response = invoke("chat", request or chat(), env(transport, **options))
    return state, response, read(response), transport


def test_a_question_is_answered_as_a_stream():
    _, response, body, transport = answer()
    assert response.status == 200
    assert response.headers["content-type"] == "text/event-stream"
    assert text_of(body) == "Hello"
    services = [call.service for call in transport.calls]
    assert services == [
        *("kv", "kv", "kv", "d1", "embeddings", "vectorize", "anthropic", "d1")
    ]


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        ("", 0),
        ("Basic abc", 0),
        ("Bearer ", 0),
        ("Bearer with space", 0),
        ("Bearer ключ", 0),
        (f"Bearer {'x' * 300}", 0),
        ("Bearer unknown", 1),
    ],
)
def test_without_a_valid_token_the_answer_is_401(header, asked):
    request = Request("POST", "/chat", {"authorization": header}, b"{}")
    _, response, body, transport = answer(request)
    assert response.status == 401
    assert error_of(body)["type"] == "unauthorized"
    assert len(transport.calls) == asked


@pytest.mark.parametrize(("left_s", "status"), [(60, 200), (0, 401), (-1, 401)])
def test_a_session_ends_by_the_clock_of_the_environment(left_s, status):
    session = {**SESSION, "expiresAt": int(NOW) + left_s}

    def kv(call):
        return reply(session) if "session" in call.path else Reply(404, {}, b"")

    def put_too(call):
        return Reply(200, {}, b"") if call.method == "PUT" else kv(call)

    assert answer(replies={"kv": put_too})[1].status == status


@pytest.mark.parametrize(
    "value", [b"", b"[]", b"{", b'{"tenantId":1}', b'{"expiresAt":"x"}', b"\xff"]
)
def test_a_session_that_cannot_be_read_is_the_services_fault(value):
    _, response, body, _ = answer(replies={"kv": Reply(200, {}, value)})
    assert response.status == 502
    assert error_of(body)["type"] == "upstream_malformed"


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b"\xff\xfe{}", 400, "not JSON"),
        (b'{"query":NaN}', 400, "not JSON"),
        (b"[" * 200_000, 400, "not JSON"),
        (b"[]", 400, "not a JSON object"),
        ({}, 400, "query"),
        ({"query": 7}, 400, "query"),
        ({"query": "a", "tenantId": 7}, 400, "tenantId"),
        ({"query": "a", "conversationId": "a b"}, 400, "conversationId"),
        ({"query": "a", "conversationId": "x" * 65}, 400, "conversationId"),
        ({"query": "a", "turnId": ""}, 400, "turnId"),
        ({"query": "a", "turnId": ["t"]}, 400, "turnId"),
        ({"query": ""}, 400, "empty"),
        ({"query": " \t\n\u200e\x00\x07".replace("\u200e", "")}, 400, "empty"),
        ({"query": "a", "tenantId": "other"}, 403, "another tenant"),
        ({"query": "a" * 2**20}, 413, "over"),
    ],
)
def test_bad_bodies_get_their_answer(body, status, why):
    _, response, text, transport = answer(chat(body))
    assert response.status == status
    assert why in error_of(text)["message"]
    assert transport.to("embeddings") == []


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_no_body_makes_the_path_raise(body):
    assert answer(chat(body))[1].status == 400


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(), inner)
    ),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ["query", "tenantId", "conversationId", "turnId"], json_values
        ),
    )
)
def test_no_fields_make_the_path_raise(fields):
    assert answer(chat(fields))[1].status in {200, 400, 403}


def test_the_query_is_capped_and_made_safe():
    query = "\ufeff e\u0301\x00\u202e" + "x" * 5000
    state, *_ = answer(chat({"query": query}))
    assert state.query.startswith("\u00e9xx")
    assert len(state.query) <= 2000


@given(st.text())
def test_sanitised_text_stays_as_it_is(text):
    clean = sanitise(text)
    assert sanitise(clean) == clean
    assert clean.encode().decode() == clean


def test_ids_are_made_up_where_there_are_none():
    state, *_ = answer(chat({"query": "a"}))
    assert (state.conversation, state.turn) == ("id-1", "id-2")


# --- rate limit -------------------------------------------------------------------


class Bucket:
    """A KV that holds one bucket."""

    def __init__(self, value=None):
        self.value = value

    def __call__(self, call):
        if "session" in call.path:
            return reply(SESSION)
        if call.method == "PUT":
            assert "expiration_ttl=120" in call.path
            self.value = call.body
            return Reply(200, {}, b"")
        return Reply(404, {}, b"") if self.value is None else Reply(200, {}, self.value)


def spend(bucket, now, per_minute=3):
    transport = Scripted({"kv": bucket})
    return handle("chat", chat(), env(transport, now, rate_per_minute=per_minute))


def test_the_bucket_runs_dry_and_refills():
    bucket = Bucket()
    session_end = SESSION["expiresAt"]
    assert [spend(bucket, NOW).status for _ in range(4)] == [200, 200, 200, 429]
    dry = spend(bucket, NOW + 5)
    assert dry.status == 429
    assert dry.headers["retry-after"] == "16"
    assert error_of(read(dry))["type"] == "rate_limited"
    assert session_end > NOW + 21
    assert [spend(bucket, NOW + 21).status for _ in range(2)] == [200, 429]


@given(st.lists(st.integers(0, 59), max_size=30), st.integers(1, 10))
def test_no_window_lets_more_through_than_the_bucket_and_its_refill(pauses, per_minute):
    bucket, now, passed = Bucket(), NOW, 0
    for second in sorted(pauses):
        now = NOW + second
        passed += spend(bucket, now, per_minute).status == 200
    assert passed <= per_minute + (now - NOW) * per_minute / 60 + 1e-9


def test_the_bucket_is_integers_of_fixed_form():
    bucket = Bucket()
    spend(bucket, NOW)
    assert bucket.value == b'{"tokens":2000,"updatedAt":1790000000000}'


def test_a_clock_that_goes_back_takes_nothing_away():
    bucket = Bucket(b'{"tokens":1000,"updatedAt":%d}' % int((NOW + 100) * 1000))
    assert spend(bucket, NOW).status == 200


def test_kvs_own_write_limit_does_not_refuse_the_tenant():
    def kv(call):
        return reply({}, 429) if call.method == "PUT" else Bucket()(call)

    state, response = invoke("chat", chat(), env(Scripted({"kv": kv})))
    assert response.status == 200
    assert state.failures == ["rate_limit"]


@pytest.mark.parametrize("value", [b"[]", b"{}", b'{"tokens":"x","updatedAt":1}', b""])
def test_a_bucket_that_cannot_be_read_is_the_services_fault(value):
    assert spend(Bucket(value), NOW).status == 502


# --- conversation -----------------------------------------------------------------


def d1_rows(conversation, messages):
    """A D1 that has one conversation, newest message first."""

    def d1(call):
        if call.json[0]["sql"].startswith("SELECT"):
            rows = [conversation, messages]
            return reply(
                [{"success": True, "results": {"rows": part}} for part in rows],
                x_cf_d1_session_commit_token="0005",
            )
        part = {"success": True, "results": {"rows": []}}
        return reply([part for _ in call.json], x_cf_d1_session_commit_token="0006")

    return d1


HISTORY = [
    ["m3", "assistant", "It is.", 2],
    ["m2", "user", "Is it?", 2],
    ["m1", "assistant", "cut off before its question", 9],
]


def test_history_and_summary_go_into_the_call():
    d1 = d1_rows([["acme", "they met"]], HISTORY)
    _, _, _, transport = answer(replies={"d1": d1})
    call = transport.to("anthropic")[0]
    assert call.headers["x-api-key"] == SECRETS.anthropic_api_key
    assert list(call.json) == ["model", "max_tokens", "stream", "system", "messages"]
    assert call.json["messages"] == [
        {"role": "user", "content": "Is it?"},
        {"role": "assistant", "content": "It is."},
        {"role": "user", "content": "Why?"},
    ]
    assert "text of chunk-0\n\n---\n\ntext of chunk-1" in call.json["system"]
    assert call.json["system"].endswith("they met")


def test_a_conversation_of_another_tenant_is_403():
    _, response, _, _ = answer(replies={"d1": d1_rows([["other", None]], [])})
    assert response.status == 403


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b"not json",
        b'[{"success":true}]',
        b'[{"success":true,"results":{"rows":7}},{"success":true,"results":{"rows":[]}}]',
        b'[{"success":true,"results":{"rows":[]}},'
        b'{"success":true,"results":{"rows":[["a","user",null,1]]}}]',
        b'[{"success":true,"results":{"rows":[[]]}},{"success":true,"results":{"rows":[]}}]',
        b'{"success":false,"error":"D1_ERROR: no such table: messages"}',
    ],
)
def test_rows_that_cannot_be_read_are_the_services_fault(body):
    _, response, text, _ = answer(replies={"d1": Reply(200, {}, body)})
    assert response.status == 502
    assert "table" not in error_of(text)["message"]


def test_the_turn_is_written_when_the_body_has_been_sent():
    transport = Scripted()
    state, response = invoke("chat", chat(), env(transport))
    assert len(transport.to("d1")) == 1
    read(response)
    written = transport.to("d1")[1].json
    assert [statement["params"][3:5] for statement in written[1:3]] == [
        ["user", "Why?"],
        ["assistant", "Hello"],
    ]
    assert [message.id for message in state.turn_messages] == [
        "c1:t1:user",
        "c1:t1:assistant",
    ]
    assert state.turn_messages[1].tokens == 7  # the provider's count


@pytest.mark.parametrize("chunks", [[says()], [says("Hel")[:-80]], [b""]])
def test_an_answer_without_text_or_end_is_not_written(chunks):
    transport = Scripted(stream_chunks=chunks)
    state, response = invoke("chat", chat(), env(transport))
    read(response)
    assert len(transport.to("d1")) == 1
    assert state.turn_messages == []


def test_a_write_that_fails_does_not_break_the_answer():
    def d1(call):
        return Reset("d1") if "INSERT" in call.json[0]["sql"] else d1_rows([], [])(call)

    state, response, body, _ = answer(replies={"d1": d1})
    assert response.status == 200
    assert text_of(body) == "Hello"
    assert body.endswith(b"data: [DONE]\n\n")
    assert state.failures == ["save_turn"]


# --- summary ----------------------------------------------------------------------

LONG = [
    [f"m{n}", "user" if n % 2 else "assistant", f"text {n}", 900] for n in range(12)
]


def test_a_long_history_is_summarised_after_the_response():
    transport = Scripted({"d1": d1_rows([["acme", "before"]], LONG[::-1])})
    transport.replies["anthropic"] = llm
    state, response = invoke("chat", chat(), env(transport))
    body = b"".join(response.body)
    assert body.endswith(b"data: [DONE]\n\n")
    assert len(transport.to("d1")) == 2
    for work in response.after:
        work()
    asked = transport.to("anthropic")[1].json
    assert asked["stream"] is False
    assert "summary of what came before: before" in asked["messages"][0]["content"]
    summary, delete, _ = transport.to("d1")[2].json
    assert summary["params"][1] == "in short"
    gone = json.loads(delete["params"][1])
    assert gone == [f"m{n}" for n in range(10)]  # the newest two and the turn stay
    assert state.failures == []


def llm(call):
    if call.json["stream"]:
        return Reply(200, {}, b"")
    return reply({"content": [{"type": "text", "text": "in short"}]})


@pytest.mark.parametrize(
    "fault",
    [
        Reset("anthropic"),
        reply({}, 529),
        reply({}),
        reply([]),
        reply({"content": [{"type": "text"}]}),
        Reply(200, {}, b"{"),
    ],
)
def test_a_summary_that_fails_is_counted_and_nothing_is_deleted(fault):
    def anthropic(call):
        return llm(call) if call.json["stream"] else fault

    d1 = d1_rows([["acme", None]], LONG[::-1])
    state, response, body, transport = answer(
        replies={"d1": d1, "anthropic": anthropic}
    )
    assert response.status == 200
    assert text_of(body) == "Hello"
    assert state.failures == ["summarize"]
    assert len(transport.to("d1")) == 2


def test_a_short_history_is_left_alone():
    _, _, _, transport = answer(replies={"d1": d1_rows([["acme", None]], HISTORY)})
    assert len(transport.to("anthropic")) == 1


# --- vectors ----------------------------------------------------------------------


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


# --- answers to failures ----------------------------------------------------------


@pytest.mark.parametrize("service", ["kv", "embeddings", "vectorize", "anthropic"])
@pytest.mark.parametrize(("given", "passed"), [("17", "17"), ("", "1"), ("a\nb", "1")])
def test_an_upstreams_429_is_passed_on(service, given, passed):
    limited = Reply(429, {"retry-after": given}, b"secret words")
    _, response, body, transport = answer(replies={service: limited})
    assert response.status == 429
    assert response.headers["retry-after"] == passed
    assert error_of(body)["type"] == "upstream_rate_limited"
    assert transport.closed == (service == "anthropic")


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 500, 503, 529])
def test_any_other_status_of_the_model_is_502_and_says_nothing(status):
    refused = reply({"error": {"message": SECRETS.anthropic_api_key}}, status)
    _, response, body, _ = answer(replies={"anthropic": refused})
    assert response.status == 502
    assert SECRETS.anthropic_api_key.encode() not in body
    assert TOKEN.encode() not in body


def test_secrets_are_not_printed():
    assert "secret" not in repr(SECRETS)
    assert "secret" not in repr(BadStatus("kv", 500))


def test_an_unknown_variant_is_the_users_mistake():
    with pytest.raises(UserError, match="rerank"):
        Options(rerank="offload")
    with pytest.raises(UserError, match="chunk_chars"):
        Options(chunk_chars=5000)
