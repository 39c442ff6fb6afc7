"""What every workload promises, and that the Worker does what the path in Python does.

Adding a workload is adding a file: it is held to all of this from then on.
"""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from workerd_support import needs_workerd

from bench import workloads
from bench.errors import BenchError, UserError
from bench.path import wire
from bench.services._messages import Call
from bench.workloads import (
    EXTERNAL,
    NATIVE,
    _media,
    _model,
    agent_multi,
    conversation_large,
    documents,
    multimodal,
    rag_complex,
)
from bench.workloads._scene import stage
from bench.workloads._subjects import Case, check

ROWS = workloads.load()
each = pytest.mark.parametrize("name", ROWS)
NAMES = [
    *("llm_streaming", "rag_simple", "rag_complex", "conversation_small"),
    *("conversation_large", "agent_single", "agent_multi", "documents"),
    *("multimodal", "webhook"),
]


@pytest.fixture(scope="module")
def scene():
    needs_workerd()
    with pytest.MonkeyPatch.context() as patch, stage(1) as staged:
        # Small ones: the same work, sooner done.
        patch.setattr(documents, "BYTES", (20_000, 60_000, 200_000))
        patch.setattr(multimodal, "BYTES", (100_000,))
        patch.setattr(conversation_large, "TOKENS", (2_000, 12_000))
        yield staged


@pytest.fixture(scope="module")
def cases(scene):
    found = [
        Case(name, route, replay)
        for name, workload in ROWS.items()
        for route in workloads.in_worker(workload)
        for replay in workload.requests(scene, route)
    ]
    return {case.name: case for case in found}


def test_the_rows_are_the_matrix_s_in_its_order():
    assert list(ROWS) == NAMES
    orders = [workload.ORDER for workload in ROWS.values()]
    assert len(set(orders)) == len(orders)


@each
def test_a_workload_says_what_it_is(name):
    workload = ROWS[name]
    assert workload.__doc__
    assert workload.TITLE.strip() == workload.TITLE != ""
    assert set(workload.ARTICLE) == {"native", "external"}
    assert len(workload.NOTE.split()) > 3
    assert workload.ROUTES[0] == NATIVE
    assert len(set(workload.ROUTES)) == len(workload.ROUTES)
    if workload.ARTICLE["external"] == "n/a":
        assert EXTERNAL not in workload.ROUTES
    assert all(amount > 0 for amount in getattr(workload, "NEEDS", {}).values())


@each
def test_every_route_is_replayed_at_sizes_that_have_a_number(name, cases):
    mine = [case for case in cases.values() if case.workload == name]
    routes = [case.route for case in mine]
    assert set(routes) == set(workloads.in_worker(ROWS[name]))
    assert len({case.name for case in mine}) == len(mine)
    for case in mine:
        size, unit = workloads.size_of(case.replay.fixture)
        assert size > 0
        assert unit
        assert "/" not in case.replay.fixture


def test_the_worker_answers_and_asks_the_model_as_the_path_in_python_does(scene, cases):
    assert check(scene, cases) == {}
    asking = {case.workload for case in cases.values() if case.replay.told is not None}
    assert asking == set(NAMES) - {"documents", "multimodal", "webhook"}


def test_another_answer_and_another_question_are_noticed(scene, cases):
    webhook = cases["webhook/native/2 KB"]
    agent = cases["agent_single/native/1 call"]
    said = replace(webhook.replay, answer=(202, b'{"accepted":false}'))
    told = replace(agent.replay, told={**agent.replay.told, "max_tokens": 7})
    wrong = check(
        scene,
        {
            webhook.name: replace(webhook, replay=said),
            agent.name: replace(agent, replay=told),
            "sound": replace(webhook, route="sound"),
        },
    )
    assert set(wrong) == {webhook.name, agent.name}
    assert "accepted" in wrong[webhook.name]
    assert "told the model something else" in wrong[agent.name]


def chosen_by(scene, case):
    """Metadata of the documents that a question was answered from."""
    stored = scene.services.dump("vectorize")
    texts = {item["metadata"]["content"]: item["metadata"] for item in stored}
    parts = case.replay.told["system"].partition("context:\n\n")[2]
    return [texts[part] for part in parts.split("\n\n---\n\n")]


def test_the_article_s_filter_holds_on_both_ways_and_the_index_finds_more(scene, cases):
    found = {
        route: chosen_by(scene, cases[f"rag_complex/{route}/{size} matches"])
        for route, size in (("native", 8), ("post_filter", 50))
    }
    for documents_found in found.values():
        assert documents_found
        for metadata in documents_found:
            assert metadata["tenantId"] == scene.tenant
            assert metadata["documentType"] in rag_complex.TYPES
            assert metadata["effectiveDate"] > rag_complex.SINCE
    assert len(found["native"]) == 8
    best = [metadata["content"] for metadata in found["native"]]
    chosen = [metadata["content"] for metadata in found["post_filter"]]
    assert chosen == best[: len(chosen)], "a part of them, in the same order"


def test_an_agent_makes_as_many_calls_as_it_is_named_for(cases):
    for calls in agent_multi.CALLS:
        answer = cases[f"agent_multi/native/{calls} calls"].replay.answer
        made = wire.loads(answer[1])["calls"]
        kinds = [call["kind"] for call in made]
        assert kinds == ["llm", "tool"] * calls + ["llm"]


def test_a_long_conversation_reaches_the_model_whole(cases):
    few, many = (
        len(
            cases[f"conversation_large/native/{tokens:,} tokens"].replay.told[
                "messages"
            ]
        )
        for tokens in conversation_large.TOKENS
    )
    assert 2 < few < many


def test_a_question_that_the_path_refuses_is_an_error_and_no_replay(scene):
    refused = replace(scene.world.requests["chat"], body=b"{}")
    with pytest.raises(BenchError, match="chat answers"):
        scene.replay("1 match", "chat", refused)


def asked(**body):
    headers = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    content = orjson.dumps({"model": "m", "max_tokens": 9} | body)
    return Call("POST", "/v1/messages", {}, headers, content)


def test_the_scripted_model_is_the_usual_one_where_no_tools_are_offered():
    service = _model.Service(1)
    messages = [{"role": "user", "content": _model.question(3)}]
    plain = orjson.loads(service.handle(asked(messages=messages)).body)
    assert plain["content"][0]["text"].startswith("Summary of 1 messages")
    tools = orjson.loads(service.handle(asked(messages=messages, tools=[{}])).body)
    assert tools["content"][1]["type"] == "tool_use"
    assert service.handle(asked(tools=[])).status == 400
    assert service.handle(replace(asked(), body=b"{")).status == 400


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (_media.KIND, b"\x89PNG", 200),
        ("application/json", b'{"image":"iVBORw=="}', 200),
        ("application/json", b'{"image":"?"}', 400),
        ("application/json", b"[]", 400),
    ],
)
def test_the_provider_answers_the_image_that_it_got(kind, body, status):
    call = Call("POST", "/edit", {}, {"content-type": kind}, body)
    reply = _media.Service(1).handle(call)
    assert reply.status == status
    if status == 200:
        assert reply.body == b"\x89PNG"
    assert _media.Service(1).handle(replace(call, path="/")).status == 404


@pytest.mark.parametrize(
    ("fixture", "size"),
    [
        ("4 MB", (4_000_000, "bytes")),
        ("0.1 MB", (100_000, "bytes")),
        ("2 KB", (2000, "bytes")),
        ("10,000 tokens", (10_000, "tokens")),
        ("1 call", (1, "call")),
        ("anthropic.sse", None),
        ("", None),
    ],
)
def test_the_size_of_an_input_is_in_its_name(fixture, size):
    assert workloads.size_of(fixture) == size


def test_some_workloads_can_be_chosen_and_an_unknown_one_not():
    assert list(workloads.chosen([])) == NAMES
    assert list(workloads.chosen(["webhook", "rag_simple"])) == [
        "rag_simple",
        "webhook",
    ]
    with pytest.raises(UserError, match="'rag' is not a workload") as caught:
        workloads.chosen(["rag"])
    assert "rag_simple" in caught.value.remedy


def test_engines_that_are_there_take_the_place_of_external(monkeypatch):
    monkeypatch.setattr(workloads, "engines", lambda: ["qdrant", "postgres"])
    found = workloads.routes(ROWS["rag_complex"])
    assert found == ("native", "post_filter", "qdrant", "postgres")
    assert workloads.routes(ROWS["conversation_large"]) == ("native", "postgres")
    assert workloads.routes(ROWS["webhook"]) == ("native",)
    monkeypatch.setattr(workloads, "engines", list)
    assert workloads.routes(ROWS["conversation_large"]) == ("native",)
