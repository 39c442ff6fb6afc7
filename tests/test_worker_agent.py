"""Agent requests and webhooks through the Python path and through the Worker."""

from __future__ import annotations

import base64
import itertools
import json
import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worker_standin import stand_in
from worker_strategies import ODD, TEXT, encoded, usually
from worker_support import TALLY, halves

from bench.path import wire
from bench.path.http import Request
from bench.path.webhook.verify import signature
from bench.world import NOW

VECTOR = base64.b64encode(struct.pack("<1536f", 1.0, *[0.0] * 1535)).decode()
EVENT = b'{"type":"transcript.done",  "id":"call-7", "n": 1.50}'


@pytest.fixture(scope="module")
def both(request):
    with halves(request.config) as running:
        yield running


@pytest.fixture(scope="module")
def model(both):
    """A model that both halves ask; embeddings are always the same vector."""
    with stand_in() as standing:
        records = {
            f"record:northwind-care:{name}": said
            for name, said in {"order-1": "shipped", "\U0001f600" * 100: "cut"}.items()
        }
        both.each(lambda one: one.put("kv", records))
        yield standing


def text(said):
    return {"type": "text", "text": said}


def message(*blocks):
    return 200, {}, {"content": list(blocks), "stop_reason": "end_turn"}


def wants(*calls):
    """A message of the model that asks for tools."""
    blocks = [
        {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": given}
        for number, (name, given) in enumerate(calls)
    ]
    return message(text("Let me see."), *blocks)


def ask(both, model, replies, body=b'{"query":"How many?"}', **options):
    """Compare one request whose model gives ``replies``, the last one for ever; what
    the model was asked is compared too."""
    heard = []

    def play(path, _):
        if path == "/v1/embeddings":
            return 200, {}, {"data": [{"embedding": VECTOR}]}
        return next(said)

    def restart():
        nonlocal said
        said = itertools.chain(replies, itertools.repeat(replies[-1]))
        heard.append(model.heard())

    endpoints = dict.fromkeys(("anthropic", "embeddings", "outbound"), model.url)
    side = both.side(endpoints, **options)
    headers = {"authorization": both.world.requests["chat"].headers["authorization"]}
    request = Request("POST", "/agent", headers, body)
    model.script = play
    said = iter(())
    side.between = restart
    answer = both.compare("agent", "agent", request, side=side)
    heard.append(model.heard())
    assert heard[-1] == heard[-2]
    return answer


ANSWER = message(text("It is 7."))
SEARCH = ("search_documents", {"query": "refunds \U0001f600" * 400})
RECORD = ("get_record", {"name": "order-1"})
SCRIPTS = {
    "an answer": [ANSWER],
    "a search": [wants(SEARCH), ANSWER],
    "a record": [wants(RECORD), ANSWER],
    "three at once": [wants(SEARCH, RECORD, SEARCH), ANSWER],
    "for ever": [wants(RECORD)],
    "no such tool": [wants(("nope", {}), ("search_documents", {})), ANSWER],
    "odd inputs": [wants(("get_record", {"name": 7}), ("get_record", None)), ANSWER],
    "half a pair": [wants(("get_record", {"name": "a\ud800"})), ANSWER],
    "a long name": [wants(("get_record", {"name": "\U0001f600" * 101})), ANSWER],
    "nested input": [
        wants(("get_record", {"x": [1, {"é": None}], "name": "a"})),
        ANSWER,
    ],
    "overloaded": [(529, {}, {"error": 1})],
    "limited": [(429, {"retry-after": "9"}, {"error": 1})],
    "elsewhere": [(301, {"location": "/"}, b"")],
    "later overloaded": [wants(SEARCH), (503, {}, {"error": 1})],
    "half JSON": [(200, {}, b"{")],
    "a list": [(200, {}, [1])],
    "no list": [(200, {}, {"content": 7})],
    "no type": [message({})],
    "no name": [message({"type": "tool_use", "id": "a"})],
    "numbers for names": [message({"type": "tool_use", "id": 7, "name": "get_record"})],
    "no text": [message({"type": "text"})],
    "nothing": [message()],
}


@pytest.mark.parametrize("limit", [0, 1, 2, 5])
@pytest.mark.parametrize("name", SCRIPTS)
def test_scripted_models(both, model, name, limit):
    ask(both, model, SCRIPTS[name], max_tool_calls=limit)


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["search_documents", "get_record", "get_record", "nope"]),
        usually(st.fixed_dictionaries({}, optional={"query": TEXT, "name": TEXT})),
    ),
    min_size=1,
    max_size=3,
)


@given(st.lists(CALLS, max_size=3), TEXT)
@settings(max_examples=50)
def test_generated_models(both, model, steps, said):
    replies = [wants(*calls) for calls in steps]
    ask(both, model, [*replies, message(text(said))], max_tool_calls=4)


@given(encoded(st.fixed_dictionaries({"query": usually(TEXT)}) | ODD))
@settings(max_examples=60)
def test_agent_bodies(both, model, body):
    ask(both, model, [ANSWER], body)


def test_an_agent_without_a_session(both):
    both.compare("agent", "agent", Request("POST", "/agent", {}, b"{}"))
    sent = both.world.requests["chat"]
    large = replace(sent, path="/agent", body=b"x" * (2**20 + 1))
    both.compare("agent", "agent", large)


# --- webhooks ---------------------------------------------------------------------


def webhook(both, body, at=NOW, sign=None, stamp=None):
    stamp = str(int(at)) if stamp is None else stamp
    signed = sign or signature(both.world.secrets.webhook_secret, stamp, body)
    headers = {"x-webhook-timestamp": stamp, "x-webhook-signature": signed}
    request = Request("POST", "/webhooks", headers, body)
    return both.compare("webhook", "webhook", request, stores=("queue",))


@pytest.mark.parametrize(
    "given",
    [
        *({}, {"sign": "sha256=00"}, {"sign": "SHA256=" + "0" * 64}, {"sign": "x"}),
        *[{"at": NOW + lag} for lag in (-301, -300, 300, 301)],
        *[{"stamp": stamp} for stamp in ("", "-5", "9" * 12, "9" * 13, "0x5", "1e9")],
    ],
    ids=str,
)
def test_signatures(both, given):
    webhook(both, EVENT, **given)


@pytest.mark.parametrize("size", [127_897, 127_898, 127_899])
def test_the_largest_event(both, size):
    webhook(both, b'"%s"' % (b"x" * size))


@given(encoded(st.dictionaries(TEXT, TEXT | ODD, max_size=3)) | st.binary(max_size=20))
@settings(max_examples=80)
def test_events(both, body):
    webhook(both, body)


def test_events_are_acknowledged_with_what_else_the_queue_holds(both):
    assert webhook(both, EVENT)[0] == 202
    waiting = [message["body"] for message in both.python.dump("queue")][-2:]
    chunks = json.loads(both.world.requests["consume"].body)
    batch = wire.dumps([*chunks, *[body.decode() for body in waiting]])
    request = replace(both.world.requests["consume"], body=batch)
    status, _, _ = both.compare("webhook", "consume", request, stores=("vectorize",))
    assert status == 200


def test_enough_was_compared():
    assert TALLY["agent"] > 150
    assert TALLY["webhook"] > 80
