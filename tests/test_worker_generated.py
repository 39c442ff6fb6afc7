"""Generated chat requests through the Python path and through the Worker."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from path_support import says
from worker_strategies import APART, EDGES, TEXT, chat_bodies
from worker_support import TALLY, halves

from bench.path import wire

TENANT = "northwind-care"  # of the world's user
NOW_MS = 1_790_000_000_000
FULL = b'{"tokens":1000000000,"updatedAt":%d}' % NOW_MS  # a tenant's bucket
STATUSES: Counter[tuple[str, int]] = Counter()


@pytest.fixture(scope="module")
def both(request):
    with halves(request.config) as running:
        short = says("Short, so that many requests take ", "little time.")
        running.each(lambda one: one.put("anthropic", {"stream": short}))
        yield running


def compare(both, kind, invocation, request, **options):
    answer = both.compare(kind, invocation, request, **options)
    STATUSES[kind, answer[0]] += 1
    return answer


@given(chat_bodies(TENANT))
@settings(max_examples=200)
def test_chat_bodies(both, body):
    request = replace(both.world.requests["chat"], body=body)
    compare(both, "chat body", "chat", request, stores=("d1", "kv", "anthropic"))


def test_every_edge_of_what_is_safe(both):
    for said in (APART, *[f"{chr(code)} a {chr(code)}" for code in EDGES]):
        sent = both.world.requests["chat"]
        request = replace(sent, body=wire.dumps({"query": said, "turnId": "edge"}))
        compare(both, "chat body", "chat", request, stores=("d1",))


AUTHORIZATION = st.sampled_from(
    [
        *("", "Basic abc", "Bearer", "Bearer x y", "Bearer " + "x" * 256, "bearer a="),
        *("Bearer " + "x" * 257, "Bearer  a", "BEARER a/b+c", "Bearer a=b", "Bearer é"),
    ]
) | st.from_regex(r"Bearer [A-Za-z0-9._~+/=-]{1,20}", fullmatch=True)


@given(AUTHORIZATION, st.booleans())
@settings(max_examples=80)
def test_tokens(both, given, case):
    sent = both.world.requests["chat"]
    known = sent.headers["authorization"]
    headers = {"authorization": given or (known.upper() if case else known.lower())}
    compare(both, "token", "chat", replace(sent, headers=headers))


@pytest.mark.parametrize(
    "session",
    [
        *(b"", b"[]", b"{", b"null", b"\xff", b'"x"', b"{}", b'{"tenantId":1}'),
        b'{"expiresAt":"soon","tenantId":"t","userId":"u"}',
        b'{"expiresAt":1790000000,"tenantId":"t","userId":"u"}',
        b'{"expiresAt":1790000000.5,"tenantId":"t","userId":"u"}',
        b'{"expiresAt":1790000001,"tenantId":7,"userId":"u"}',
        b'{"expiresAt":1790000001,"tenantId":"t"}',
        b'{"expiresAt":1790000001,"tenantId":"t/\\ud83d\\ude00 %2f","userId":"u"}',
    ],
)
def test_sessions(both, session):
    both.each(lambda one: one.put("kv", {"session:odd": session}))
    sent = both.world.requests["chat"]
    request = replace(sent, headers={"authorization": "Bearer odd"})
    compare(both, "session", "chat", request, stores=("kv",))


@example(999, 0)
@example(1000, 0)
@example(0, 8571)
@example(0, 8572)
@given(
    st.integers(-5000, 9000) | st.sampled_from([1.5, 1e300, None, "x"]),
    st.integers(-1000, 70_000),
)
@settings(max_examples=60)
def test_rate_limits(both, tokens, ago_ms):
    bucket = {"tokens": tokens, "updatedAt": NOW_MS - ago_ms}
    name = f"ratelimit:{TENANT}"
    both.each(lambda one: one.put("kv", {name: wire.dumps(bucket)}))
    request = both.world.requests["chat"]
    compare(both, "rate", "chat", request, stores=("kv",), rate_per_minute=7)


MESSAGES = st.lists(
    st.tuples(
        st.sampled_from(["user", "assistant", "tool"]), TEXT, st.integers(0, 900)
    ),
    max_size=12,
)


@given(MESSAGES, st.none() | TEXT)
@settings(max_examples=60)
def test_histories(both, messages, summary):
    both.each(lambda one: one.put("kv", {f"ratelimit:{TENANT}": FULL}))
    both.each(lambda one: one.put("d1", seeded(messages, summary)))
    sent = both.world.requests["chat"]
    body = {"query": "And then?", "conversationId": "generated", "turnId": "t"}
    compare(
        both,
        "history",
        "chat",
        replace(sent, body=wire.dumps(body)),
        stores=("d1", "anthropic"),
        history_messages=8,
        summarize_over_tokens=1500,
    )


def seeded(messages, summary):
    """SQL and rows of one conversation in place of the one before."""
    texts = [None if text is None else clean(text) for text in [summary]]
    conversation = {
        "id": "generated",
        "tenant_id": TENANT,
        "created_at": 1,
        "updated_at": 1,
        "summary": texts[0],
    }
    rows = [
        {
            "id": f"m{number}",
            "conversation_id": "generated",
            "role": role,
            "content": clean(text),
            "created_at": 1 + number // 2,
            "token_count": tokens or None,
        }
        for number, (role, text, tokens) in enumerate(messages)
    ]
    gone = [
        "DELETE FROM messages WHERE conversation_id = 'generated';",
        "DELETE FROM conversations WHERE id = 'generated';",
    ]
    return {
        "sql": "".join(gone),
        "rows": {"conversations": [conversation], "messages": rows},
    }


def clean(text):
    """``text`` as SQLite can hold it."""
    return wire.encode(text).decode().replace("\0", "")


def test_enough_was_compared():
    for kind in ("chat body", "rate", "history"):
        # Most of what is generated is to be worked on, some to be refused.
        assert STATUSES[kind, 200] > TALLY[kind] // 4
    assert STATUSES["chat body", 400] > 20
    assert STATUSES["rate", 429] > 5
    assert TALLY["token"]
    assert TALLY["session"]
