"""Queue: the producer's wire protocol, limits, delays, and the consumer's end."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_support import ask

from bench.services.queue import Service


@pytest.fixture
def queue(clock):
    return Service(1, clock)


def send(queue, body, **headers):
    return ask(queue, "POST", "/message", body, {"X-Msg-Fmt": "json", **headers})


def batch(queue, *bodies, **more):
    messages = [
        {"body": base64.b64encode(b).decode(), "contentType": "bytes", **more}
        for b in bodies
    ]
    return ask(queue, "POST", "/batch", json.dumps({"messages": messages}).encode())


def test_a_message_arrives_as_it_was_sent(queue):
    metrics = json.loads(send(queue, b'{"a":1}').body)["metadata"]["metrics"]
    assert metrics == {
        "backlogCount": 1,
        "backlogBytes": 7,
        "oldestMessageTimestamp": 1_000_000_000,
    }
    (message,) = queue.take()
    assert message == {
        "id": message["id"],
        "timestamp": 1_000_000_000,
        "body": b'{"a":1}',
        "content_type": "json",
        "attempts": 1,
    }
    assert json.loads(ask(queue, "GET", "/metrics").body)["backlogCount"] == 0


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=100), st.integers(1, 40))
def test_order_is_kept_and_nothing_is_lost(bodies, limit):
    queue = Service(1)
    batch(queue, *bodies)
    taken = []
    while part := queue.take(limit):
        assert len(part) <= limit
        taken += part
    assert [message["body"] for message in taken] == bodies
    assert len({message["id"] for message in taken}) == len(bodies)


def test_limits(queue):
    assert send(queue, bytes(127_900)).status == 200
    assert send(queue, bytes(127_901)).status == 413
    assert batch(queue, *[b"x"] * 100).status == 200
    assert batch(queue, *[b"x"] * 101).status == 413
    assert batch(queue, bytes(127_900), bytes(127_900)).status == 200
    assert batch(queue, bytes(127_900), bytes(127_900), b"").status == 413
    assert batch(queue).status == 413


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Msg-Fmt": "xml"},
        {"X-Msg-Delay-Secs": "86401"},
        {"X-Msg-Delay-Secs": "-1"},
        {"X-Msg-Delay-Secs": "soon"},
    ],
)
def test_a_bad_message_is_refused_with_the_headers_that_the_binding_reads(
    queue, headers
):
    reply = send(queue, b"x", **headers)
    assert reply.status == 400
    assert reply.headers["CF-Queues-Error-Cause"]
    assert queue.dump() == []


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"messages":[{}]}', b'{"messages":[{"body":"*"}]}']
)
def test_a_bad_batch_is_refused(queue, body):
    assert ask(queue, "POST", "/batch", body).status == 400


def test_one_bad_message_refuses_the_whole_batch(queue):
    assert batch(queue, b"a", b"b", delaySecs=-1).status == 400
    assert queue.dump() == []


def test_a_delayed_message_waits(queue, clock):
    send(queue, b"1", **{"X-Msg-Delay-Secs": "10"})
    send(queue, b"2")
    assert [m["body"] for m in queue.take()] == [b"2"]
    clock.now += 10
    assert [m["body"] for m in queue.take()] == [b"1"]


def test_a_message_given_back_comes_again_until_its_retries_are_used_up(queue, clock):
    queue.put(["text", {"json": 1}, b"raw"])
    kinds = [message["content_type"] for message in queue.dump()]
    assert kinds == ["text", "json", "bytes"]
    for attempt in range(1, 5):
        first, *_ = queue.take(1)
        assert (first["body"], first["attempts"]) == (b"text", attempt)
        queue.retry([first["id"]], delay_s=0)
    assert queue.take(1)[0]["body"] == b'{"json":1}'


def test_a_retry_can_be_delayed_and_the_rest_is_acknowledged(queue, clock):
    queue.put([b"a", b"b"])
    first, _ = queue.take(2)
    queue.retry([first["id"], "unknown"], delay_s=30)
    assert queue.take(10) == []
    clock.now += 30
    assert [m["body"] for m in queue.take(10)] == [b"a"]
