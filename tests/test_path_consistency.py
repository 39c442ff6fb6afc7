"""Reading one's own writes from D1: the hazard, its two cures, and their limits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from path_support import SECRETS, SESSION, TOKEN, Scripted, chat, reply, says

from bench.path import invoke
from bench.path.bindings import d1
from bench.path.bookmark import HEADER, newest
from bench.path.env import Env, Options
from bench.path.http import Reply, read
from bench.path.memory import Memory, Message
from bench.path.schema import SCHEMA
from bench.path.transport import HttpTransport

NOW = 1_790_000_000.0


@pytest.fixture(scope="module")
def d1_transport(services):
    with HttpTransport(services.endpoints) as transport:
        yield transport


class OnlyD1:
    """Real D1, everything else scripted: the model repeats nothing, the clock runs."""

    def __init__(self, transport):
        self.d1, self.rest = transport, Scripted({"kv": self._kv})

    @staticmethod
    def _kv(call):
        if "session" in call.path:
            return reply({**SESSION, "expiresAt": 2**40})
        return Reply(404 if call.method == "GET" else 200, {}, b"")

    def send(self, call):
        return (self.d1 if call.service == "d1" else self.rest).send(call)

    def stream(self, call):
        self.rest.stream_chunks = [says("answer")]
        return self.rest.stream(call)


class User:
    """A user with one conversation, whose client keeps bookmarks."""

    def __init__(self, transport, consistency, name, isolates=1):
        self.name, self.turns, self.bookmark = name, [], None
        self.envs = [
            Env(
                OnlyD1(transport), Options(consistency=consistency), self.clock, SECRETS
            )
            for _ in range(isolates)
        ]
        self.now = NOW

    def clock(self):
        return self.now

    def ask(self, isolate=0):
        """One turn; whether all earlier turns were in the history, and in order."""
        self.now += 1
        turn = f"t{len(self.turns)}"
        body = {
            "query": f"question {turn}",
            "conversationId": self.name,
            "turnId": turn,
        }
        headers = {HEADER: self.bookmark} if self.bookmark else {}
        request = chat(body, TOKEN, **headers)
        state, response = invoke("chat", request, self.envs[isolate])
        text = read(response)
        assert response.status == 200
        assert state.failures == []
        self.bookmark = newest(response.headers, text) or self.bookmark
        seen = [m.content for m in state.history if m.role == "user"]
        complete = seen == [f"question {earlier}" for earlier in self.turns]
        self.turns.append(turn)
        return complete


def fresh(services, **lag):
    services.reset()
    services.put("d1", {"sql": ";".join(SCHEMA)})
    services.configure("d1", **lag)


def test_without_lag_nothing_is_missed(services, d1_transport):
    fresh(services)
    user = User(d1_transport, "none", "c1")
    assert all(user.ask() for _ in range(4))


def test_with_lag_the_hazard_is_there(services, d1_transport):
    fresh(services, replica_lag_writes=2)
    user = User(d1_transport, "none", "c1")
    assert [user.ask() for _ in range(4)] == [True, False, False, False]


@pytest.mark.parametrize("consistency", ["session", "memory"])
@settings(max_examples=12)
@given(data=st.data())
def test_the_cures_never_miss_a_write(services, d1_transport, consistency, data):
    """Users take turns in any order, replicas lag by any number of writes."""
    fresh(services, replica_lag_writes=data.draw(st.integers(0, 6)))
    users = [User(d1_transport, consistency, f"c{n}") for n in range(3)]
    for who in data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=10)):
        assert users[who].ask()
        if data.draw(st.booleans()):
            services.configure("d1", replica_lag_writes=data.draw(st.integers(0, 6)))


def test_a_replica_that_is_late_by_time_is_cured_too(services, d1_transport):
    fresh(services, replica_lag_ms=60_000)
    assert [User(d1_transport, "none", "c0").ask() for _ in range(2)] == [True, True]
    for consistency in ("session", "memory"):
        user = User(d1_transport, consistency, consistency)
        assert all(user.ask() for _ in range(3))
    user = User(d1_transport, "none", "c1")
    assert [user.ask() for _ in range(3)] == [True, False, False]


def test_bookmarks_hold_across_isolates_and_memory_does_not(services, d1_transport):
    fresh(services, replica_lag_writes=5)
    user = User(d1_transport, "session", "c1", isolates=2)
    assert [user.ask(isolate=n % 2) for n in range(4)] == [True] * 4
    user = User(d1_transport, "memory", "c2", isolates=2)
    assert [user.ask(isolate=n % 2) for n in range(3)] == [True, False, False]


def test_a_client_that_forgets_its_bookmark_is_not_protected(services, d1_transport):
    fresh(services, replica_lag_writes=5)
    user = User(d1_transport, "session", "c1")
    user.ask()
    user.bookmark = None
    assert user.ask() is False


def test_a_retry_of_a_turn_leaves_one_turn(services, d1_transport):
    fresh(services)
    user = User(d1_transport, "none", "c1")
    for _ in range(3):
        user.turns = []
        assert user.ask()
    rows = services.dump("d1")["messages"]
    assert [(row["id"], row["content"]) for row in rows] == [
        ("c1:t0:user", "question t0"),
        ("c1:t0:assistant", "answer"),
    ]
    assert services.dump("d1")["conversations"][0]["token_count"] == sum(
        row["token_count"] for row in rows
    )


@pytest.mark.parametrize("lag", [0, 9])
def test_a_foreign_conversation_is_never_written(services, d1_transport, lag):
    """A replica that lags hides whose it is; the write must find out."""
    fresh(services, replica_lag_writes=lag)
    with HttpTransport(services.endpoints) as transport:
        other = Env(transport, Options(), lambda: NOW, SECRETS)
        row = "INSERT INTO conversations (id,tenant_id,created_at,updated_at)"
        d1.batch(other, [(f"{row} VALUES ('c1','other',1,1)", [])])
    user = User(d1_transport, "none", "c1")
    body = {"query": "hi", "conversationId": "c1", "turnId": "t"}
    _, response = invoke("chat", chat(body), user.envs[0])
    read(response)
    assert response.status == (200 if lag else 403)
    assert services.dump("d1")["messages"] == []
    assert services.dump("d1")["conversations"][0]["updated_at"] == 1


def message(name):
    return Message(name, "user", name, 1)


@given(
    st.integers(0, 12),
    st.integers(1, 12),
    st.integers(0, 12),
)
def test_memory_completes_any_prefix_that_a_replica_has(written, keep, behind):
    everything = [message(f"m{n}") for n in range(written)]
    memory = Memory()
    for one in everything:
        memory.remember(("t", "c"), [one], keep)
    replica = everything[: max(0, written - behind)]
    merged = memory.merge(("t", "c"), replica[-keep:])
    assert merged[-keep:] == everything[-keep:]


@given(st.lists(st.integers(0, 2), max_size=12), st.integers(0, 12))
def test_memory_leaves_the_order_of_writes_of_several_isolates(writers, behind):
    everything = [message(f"m{n}") for n in range(len(writers))]
    memories = [Memory() for _ in range(3)]
    for writer, one in zip(writers, everything, strict=True):
        memories[writer].remember(("t", "c"), [one], 20)
    replica = everything[: max(0, len(everything) - behind)]
    for memory in memories:
        merged = memory.merge(("t", "c"), replica)
        assert merged == [one for one in everything if one in merged]
        assert merged[: len(replica)] == replica


def test_memory_says_again_what_a_retry_wrote():
    memory = Memory()
    memory.remember(("t", "c"), [message("m0"), message("m1")], 5)
    again = Message("m0", "user", "written again", 2)
    memory.remember(("t", "c"), [again], 5)
    assert memory.merge(("t", "c"), [message("m0"), message("m1")])[0] == again


def test_memory_is_bounded_and_apart_by_tenant():
    memory = Memory(conversations=2)
    for tenant in ("a", "b", "c"):
        memory.remember((tenant, "c1"), [message(tenant)], 5)
    assert memory.merge(("a", "c1"), []) == []
    assert memory.merge(("c", "c1"), []) == [message("c")]
    memory.forget(("c", "c1"), ["c", "unknown"])
    assert memory.merge(("c", "c1"), []) == []


@pytest.mark.parametrize(
    ("headers", "body", "bookmark"),
    [
        ({}, b"data: [DONE]\n\n", None),
        ({HEADER: "1"}, b"data: [DONE]\n\n", "1"),
        ({HEADER: "1"}, b"data: [DONE]\n\n: x-d1-bookmark 2\n\n", "2"),
        ({HEADER: "1"}, b"data: [DONE]\n\n: x-d1-bookmark 2", "1"),
    ],
)
def test_the_newest_bookmark_of_an_answer(headers, body, bookmark):
    assert newest(headers, body) == bookmark


def test_what_was_summarised_is_not_remembered(services, d1_transport):
    fresh(services, replica_lag_writes=1)
    user = User(d1_transport, "memory", "c1")
    user.envs[0] = Env(
        user.envs[0].transport,
        Options(consistency="memory", summarize_over_tokens=30),
        user.clock,
        SECRETS,
    )
    for _ in range(8):
        user.ask()
    ids = {row["id"] for row in services.dump("d1")["messages"]}
    known = {m.id for m in user.envs[0].memory.merge(("acme", "c1"), [])}
    assert known <= ids
    assert services.dump("d1")["conversations"][0]["summary"] == "in short"
