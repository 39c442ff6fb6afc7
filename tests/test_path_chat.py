"""The stages of a chat request, each by what it answers and what it asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from path_support import (
    NOW,
    SECRETS,
    SESSION,
    TOKEN,
    Scripted,
    answer,
    chat,
    env,
    error_of,
    reply,
    text_of,
)

from bench.errors import UserError
from bench.path import handle, invoke
from bench.path.env import Options
from bench.path.errors import BadStatus
from bench.path.http import Reply, Request, read
from bench.path.text import sanitise, tokens


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


def test_a_clock_that_goes_back_neither_gives_nor_takes():
    later = int((NOW + 40) * 1000)
    bucket = Bucket(b'{"tokens":1500,"updatedAt":%d}' % later)
    assert [spend(bucket, NOW).status for _ in range(2)] == [200, 429]


def test_kvs_own_write_limit_does_not_refuse_the_tenant():
    def kv(call):
        return reply({}, 429) if call.method == "PUT" else Bucket()(call)

    state, response = invoke("chat", chat(), env(Scripted({"kv": kv})))
    assert response.status == 200
    assert state.failures == ["rate_limit"]


@pytest.mark.parametrize("value", [b"[]", b"{}", b'{"tokens":"x","updatedAt":1}', b""])
def test_a_bucket_that_cannot_be_read_is_the_services_fault(value):
    assert spend(Bucket(value), NOW).status == 502


# Bindings do not tell the header.
@pytest.mark.parametrize(
    ("service", "given", "passed"),
    [
        *[("kv", "17", "1"), ("vectorize", "17", "1")],
        *[("embeddings", "17", "17"), ("embeddings", "", "1")],
        *[("anthropic", "17", "17"), ("anthropic", "a\nb", "1")],
    ],
)
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
        Options(rerank="elsewhere")
    with pytest.raises(UserError, match="chunk_chars"):
        Options(chunk_chars=5000)


def test_half_a_surrogate_pair_counts_like_the_mark_that_replaces_it():
    assert tokens("\ud800" * 4) == tokens("\ufffd" * 4) == 3
    # Halves that two events brought are one character again.
    assert tokens("\ud83d" + "\ude00") == tokens("\U0001f600") == 1
