"""Conversations: what is loaded, what is written, and when it is summarised."""

from __future__ import annotations

import json

import pytest
from path_support import (
    SECRETS,
    Scripted,
    answer,
    chat,
    env,
    error_of,
    reply,
    says,
    text_of,
)

from bench.path import invoke
from bench.path.errors import Reset
from bench.path.http import Reply, read


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
