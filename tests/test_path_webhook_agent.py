"""Webhooks that prove themselves, and an agent that calls tools until it answers."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from path_support import NOW, SECRETS, TOKEN, Scripted, env, error_of, reply

from bench.path import invoke
from bench.path.errors import Reset, TimedOut
from bench.path.http import Reply, Request, read
from bench.path.webhook.verify import signature

EVENT = b'{"type":"transcript.done","id":"call-7"}'


def webhook(body=EVENT, at=NOW, sign=None, replies=None, **headers):
    stamp = str(int(at))
    given = {
        "x-webhook-timestamp": stamp,
        "x-webhook-signature": sign or signature(SECRETS.webhook_secret, stamp, body),
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    transport = Scripted(replies or {})
    _, response = invoke(
        "webhook", Request("POST", "/webhooks", given, body), env(transport)
    )
    return response.status, read(response), transport


def test_a_signed_event_is_queued_as_it_came():
    status, body, transport = webhook()
    assert (status, body) == (202, b'{"accepted":true}')
    [call] = transport.to("queue")
    assert (call.path, call.body, call.headers["x-msg-fmt"]) == (
        *("/message", EVENT),
        "text",
    )


def test_the_signature_is_hmac_sha256_of_timestamp_dot_body():
    expected = hmac.new(b"key", b"1.{}", hashlib.sha256).hexdigest()
    assert signature("key", "1", b"{}") == f"sha256={expected}"


@pytest.mark.parametrize(
    "given",
    [
        {"sign": "sha256=00"},
        {"sign": "sha256=é"},
        {"sign": signature("another secret", str(int(NOW)), EVENT)},
        {"sign": signature(SECRETS.webhook_secret, str(int(NOW)), b"other body")},
        {"at": NOW - 301},
        {"at": NOW + 301},
        {"x_webhook_timestamp": ""},
        {"x_webhook_timestamp": "²"},
        {"x_webhook_timestamp": "-5"},
        {"x_webhook_timestamp": "9" * 5000},
    ],
)
def test_what_is_not_signed_lately_for_us_is_401(given):
    status, body, transport = webhook(**given)
    assert status == 401
    assert error_of(body)["type"] == "unauthorized"
    assert transport.calls == []


@pytest.mark.parametrize("lag_s", [-300, 0, 300])
def test_clocks_may_differ_a_little(lag_s):
    assert webhook(at=NOW + lag_s)[0] == 202


def test_signed_nonsense_is_refused():
    assert webhook(b"{")[0] == 400
    assert webhook(b'"%s"' % (b"x" * 127_899))[0] == 413
    assert webhook(b'"%s"' % (b"x" * 127_898))[0] == 202


@given(st.binary(max_size=50), st.text(max_size=20), st.text(max_size=80))
def test_no_headers_make_the_path_raise(body, stamp, sign):
    headers = {"x-webhook-timestamp": stamp, "x-webhook-signature": sign}
    request = Request("POST", "/webhooks", headers, body)
    _, response = invoke("webhook", request, env(Scripted()))
    assert response.status == 401


@pytest.mark.parametrize(
    ("failure", "status"), [(Reset("queue"), 502), (reply({}, 429), 429)]
)
def test_a_queue_that_fails_is_told_to_the_provider(failure, status):
    assert webhook(replies={"queue": failure})[0] == status


# --- agent ------------------------------------------------------------------------


def wants(*calls, text=""):
    """A message of the model that asks for tools."""
    blocks = [{"type": "text", "text": text}] if text else []
    blocks += [
        {"type": "tool_use", "id": f"toolu_{n}", "name": name, "input": given}
        for n, (name, given) in enumerate(calls)
    ]
    return reply({"content": blocks, "stop_reason": "tool_use"})


ANSWER = reply({"content": [{"type": "text", "text": "It is 7."}]})
SEARCH = ("search_documents", {"query": "refunds"})
RECORD = ("get_record", {"name": "order-1"})


def agent(*messages, replies=None, body=None, **options):
    script = iter(messages)
    transport = Scripted({"anthropic": lambda call: next(script), **(replies or {})})
    raw = body if body is not None else json.dumps({"query": "How many?"}).encode()
    request = Request("POST", "/agent", {"authorization": f"Bearer {TOKEN}"}, raw)
    state, response = invoke("agent", request, env(transport, **options))
    return state, response.status, read(response), transport


def test_an_answer_without_tools():
    state, status, body, _ = agent(ANSWER)
    assert status == 200
    assert json.loads(body)["text"] == "It is 7."
    assert [(call.kind, call.ok) for call in state.calls] == [("llm", True)]


def test_tools_are_run_and_their_results_sent_back():
    _, status, body, transport = agent(wants(SEARCH, text="Let me see."), ANSWER)
    assert status == 200
    kinds = [(call["kind"], call["name"]) for call in json.loads(body)["calls"]]
    assert kinds[1] == ("tool", "search_documents")
    assert [kind for kind, _ in kinds] == ["llm", "tool", "llm"]
    assert all(call["ms"] == 0 for call in json.loads(body)["calls"])
    asked, told = transport.to("anthropic")[1].json["messages"][1:]
    assert asked["content"][1]["name"] == "search_documents"
    assert told["content"] == [
        {
            "type": "tool_result",
            "tool_use_id": "toolu_0",
            "content": "text of chunk-0\n\ntext of chunk-1\n\ntext of chunk-2",
        }
    ]


def test_records_are_the_tenants_own():
    _, _, _, transport = agent(wants(RECORD), ANSWER)
    assert "/record%3Aacme%3Aorder-1?" in transport.to("kv")[1].path
    result = transport.to("anthropic")[1].json["messages"][2]["content"][0]
    assert result["content"] == "there is no such record"


def test_the_wall_clock_of_each_call_is_told():
    ticks = itertools.count(int(NOW) * 1000, 7)
    transport = Scripted({"anthropic": ANSWER})
    environment = replace(env(transport), clock=lambda: next(ticks) / 1000)
    request = Request(
        "POST", "/agent", {"authorization": f"Bearer {TOKEN}"}, b'{"query":"How?"}'
    )
    body = read(invoke("agent", request, environment)[1])
    assert [call["ms"] for call in json.loads(body)["calls"]] == [7]


def test_the_name_of_a_record_may_be_no_text_at_all():
    # Half a surrogate pair is in no key; the lookup finds nothing.
    _, _, _, transport = agent(wants(("get_record", {"name": "\ud800"})), ANSWER)
    assert "/record%3Aacme%3A%EF%BF%BD?" in transport.to("kv")[1].path
    result = transport.to("anthropic")[1].json["messages"][2]["content"][0]
    assert result["content"] == "there is no such record"


@pytest.mark.parametrize("limit", [0, 1, 2, 5])
def test_the_loop_ends_at_the_limit(limit):
    class Endless:
        def __call__(self, call):
            if call.json["tool_choice"]["type"] == "none":
                return ANSWER
            return wants(SEARCH, SEARCH)

    state, status, body, transport = agent(
        replies={"anthropic": Endless()}, max_tool_calls=limit
    )
    assert status == 200
    assert json.loads(body)["text"] == "It is 7."
    assert len([call for call in state.calls if call.kind == "tool"]) == limit
    if limit % 2:
        told = transport.to("anthropic")[-1].json["messages"][-1]["content"][-1]
        assert told["is_error"] is True


@pytest.mark.parametrize(
    "call",
    [
        ("no_such_tool", {}),
        ("search_documents", {}),
        ("search_documents", None),
        ("get_record", {"name": 7}),
    ],
)
def test_a_call_that_makes_no_sense_is_told_to_the_model(call):
    _, status, _, transport = agent(wants(call), ANSWER)
    assert status == 200
    told = transport.to("anthropic")[1].json["messages"][2]["content"][0]
    assert told["is_error"] is True


def test_a_tool_that_fails_is_told_to_the_model():
    replies = {"embeddings": TimedOut("embeddings")}
    state, status, _, transport = agent(wants(SEARCH), ANSWER, replies=replies)
    assert status == 200
    assert [call.ok for call in state.calls] == [True, False, True]
    told = transport.to("anthropic")[1].json["messages"][2]["content"][0]
    assert told["content"] == "embeddings did not answer in time"


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (Reset("anthropic"), 502),
        (TimedOut("anthropic"), 504),
        (reply({}, 529), 502),
        (reply({}, 429), 429),
        (Reply(200, {}, b"{"), 502),
        (reply({"content": 7}), 502),
        (reply({"content": [{}]}), 502),
        (reply({"content": [{"type": "tool_use"}]}), 502),
        (reply({"content": [{"type": "tool_use", "id": 7, "name": "x"}]}), 502),
        (reply({"content": [{"type": "text"}]}), 502),
    ],
)
def test_a_model_that_fails_ends_the_request(failure, status):
    assert agent(failure)[1] == status
    assert agent(wants(SEARCH), failure)[1] == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"query":7}', 400),
        (b'{"query":" "}', 400),
        (b"x" * (2**20 + 1), 413),
    ],
)
def test_bad_bodies_get_their_answer(body, status):
    assert agent(body=body)[1] == status


def test_agents_need_a_session():
    request = Request("POST", "/agent", {}, b"{}")
    assert invoke("agent", request, env(Scripted()))[1].status == 401
