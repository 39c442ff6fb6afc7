"""The measured journey: seeded once, replayed at a constant cost."""

from __future__ import annotations

import json
import pickle

import pytest
from path_support import data_of, text_of

from bench import fixture_set, world
from bench.errors import BenchError
from bench.fixtures import deepgram
from bench.path import invoke
from bench.path.http import Request, read
from bench.path.transport import HttpTransport, Recorder, Replay

JOURNEY = ("ingest", "consume", "chat")


@pytest.fixture(scope="module")
def transport(services):
    with HttpTransport(services.endpoints) as client:
        yield client


@pytest.fixture
def ask(built, transport):
    def run(invocation, request=None, **variants):
        environment = built.env(transport, **variants)
        asked = request or built.requests[invocation]
        state, response = invoke(invocation, asked, environment)
        return state, response.status, read(response)

    return run


def test_the_journey_is_answered(ask):
    state, status, body = ask("ingest")
    assert (status, state.failures) == (202, [])
    assert json.loads(body)["messages"] >= 1
    state, status, body = ask("consume")
    assert (status, state.failures) == (200, [])
    assert json.loads(body)["upserted"] == len(state.chunks) >= 1
    state, status, body = ask("chat")
    assert (status, state.failures) == (200, [])
    assert data_of(body)[-1] == "[DONE]"
    assert text_of(body) == "".join(state.stream.text) != ""


def test_the_question_finds_eight_chunks_and_the_transcript_first(ask, built):
    for variants in ({}, {"rerank": "in_path"}, {"embedding": "base64"}):
        state, _, _ = ask("chat", **variants)
        ids = [match.id for match in state.matches]
        assert len(set(ids)) == 8
        assert any(f":{world.TRANSCRIPT}:" in name for name in ids)
        assert {match.metadata["tenantId"] for match in state.matches} == {
            state.session.tenant
        }
        assert len(state.history) > 10
        assert sum(message.tokens for message in state.history) < 8000


def test_both_contexts_give_the_same_prompt(ask):
    assert ask("chat")[0].context == ask("chat", context="r2")[0].context != ""


VARIANTS = [
    {},
    {"rerank": "in_path", "parse": "fields", "context": "r2"},
    {"stream": "pass", "embedding": "base64", "consistency": "session"},
    {"consistency": "memory", "chunk_overlap": 100},
]


@pytest.mark.parametrize("variants", VARIANTS, ids=str)
def test_replays_give_the_same_bytes_and_the_same_calls(built, transport, variants):
    environment = built.env(transport, **variants)
    for invocation in JOURNEY:
        seen = set()
        for _ in range(4):
            recorder = Recorder(transport)
            asked = built.env(recorder, **variants)
            asked = type(environment)(
                recorder, asked.options, asked.clock, asked.secrets, environment.memory
            )
            _, response = invoke(invocation, built.requests[invocation], asked)
            body = read(response).partition(b": x-d1-bookmark")[0]
            calls = tuple(
                (made.call.service, len(made.call.body)) for made in recorder.recording
            )
            seen.add((body, calls))
        # The rate limit's bucket and D1 ids change, but never their size.
        assert len(seen) == 1, invocation


def test_replays_do_not_grow_the_state(ask, services):
    for _ in range(2):
        for invocation in JOURNEY:
            ask(invocation)
    before = {name: len(services.dump(name)) for name in ("kv", "r2", "vectorize")}
    rows = len(services.dump("d1")["messages"])
    for _ in range(3):
        for invocation in JOURNEY:
            ask(invocation)
    assert {name: len(services.dump(name)) for name in before} == before
    assert len(services.dump("d1")["messages"]) == rows


def test_long_conversations_are_summarised_once_and_reset_brings_them_back(
    ask, built, services
):
    built.reset(services)
    assert services.dump("queue") == []
    seeded = services.dump("d1")
    state, status, _ = ask("chat", built.long_chat)
    assert (status, state.failures) == (200, [])
    before = sum(message.tokens for message in state.history)
    state, _, _ = ask("chat", built.long_chat)
    assert state.summary
    assert before > 8000 > sum(message.tokens for message in state.history)
    ask("ingest")
    built.reset(services)
    assert services.dump("d1") == seeded
    assert services.dump("queue") == []


def test_a_world_is_plain_data(built):
    copy = pickle.loads(pickle.dumps(built))  # noqa: S301
    assert copy == built
    assert set(built.requests) == {"chat", "ingest", "consume"}
    assert built.endpoints


def test_the_journey_replays_without_services(built, transport):
    for invocation in JOURNEY:
        request = built.requests[invocation]
        recorder = Recorder(transport)
        _, response = invoke(invocation, request, built.env(recorder))
        body = read(response)
        replay = built.env(Replay(recorder.recording))
        assert read(invoke(invocation, request, replay)[1]) == body


def test_two_worlds_of_one_seed_ask_the_same(services):
    body = fixture_set.read("transcript.json")
    first, again = (world.build(services, body, seed=3) for _ in range(2))
    assert first == again
    assert world.build(services, body, seed=4).requests != first.requests


def test_what_the_path_refuses_cannot_be_a_world(services):
    with pytest.raises(BenchError, match="refuses"):
        world.build(services, b'{"results":{}}')


def test_a_transcript_without_speech_still_has_a_question(services):
    silent = {"results": {"channels": [{"alternatives": [{"transcript": ""}]}]}}
    empty = world.build(services, json.dumps(silent).encode())
    with HttpTransport(services.endpoints) as client:
        for invocation in JOURNEY:
            request = empty.requests[invocation]
            state, response = invoke(invocation, request, empty.env(client))
            assert response.status in {200, 202}
            read(response)
    assert len(state.matches) == 8


def test_ten_megabytes_are_bounded_batches(services):
    body = deepgram.generate(2, **ten_megabytes())
    assert len(body) > 9_000_000
    large = world.build(services, body)
    assert len(json.loads(large.requests["consume"].body)) <= world.BATCH_MESSAGES
    with HttpTransport(services.endpoints) as client:
        for invocation in JOURNEY:
            recorder = Recorder(client)
            environment = large.env(recorder, embedding="base64")
            request = large.requests[invocation]
            state, response = invoke(invocation, request, environment)
            assert response.status in {200, 202}
            assert read(response)
            uploads = [
                len(made.call.body)
                for made in recorder.recording
                if made.call.service != "r2"
            ]
            assert max(uploads) < 16 * 2**20
    assert any(f":{world.TRANSCRIPT}:" in match.id for match in state.matches)


def ten_megabytes():
    params = dict(next(iter(deepgram.FILES.values())))
    return {**params, "size": 10_000_000}


def test_requests_are_what_a_client_sends(built):
    for request in built.requests.values():
        assert isinstance(request, Request)
        assert all(name == name.lower() for name in request.headers)
