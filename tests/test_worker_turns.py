"""Conversations of several turns, replicas that lag, and the three ways to read them.

In sessions the client carries the bookmark of its last answer on, as clients do.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from path_support import says
from worker_support import TALLY, halves

from bench.path import wire
from bench.path.bookmark import HEADER, newest

TURNS = 6


@pytest.fixture(scope="module")
def both(request):
    with halves(request.config) as running:
        running.each(lambda one: one.put("anthropic", {"stream": says("Yes.")}))
        yield running


def ask(both, conversation, turn, mark, **options):
    """One turn on both; the bookmark that the client has afterwards."""
    sent = both.world.requests["chat"]
    body = {"query": f"Question {turn}?", "conversationId": conversation}
    body["turnId"] = f"turn-{turn}"
    headers = dict(sent.headers) | ({HEADER: mark} if mark else {})
    request = replace(sent, headers=headers, body=wire.dumps(body))
    status, given, answer = both.compare(
        "turn", "chat", request, stores=("d1", "anthropic"), **options
    )
    assert status == 200
    return newest(given, answer) or mark


@pytest.mark.parametrize("lag", [0, 1, 3, 9])
@pytest.mark.parametrize("consistency", ["none", "session", "memory"])
def test_turns_with_a_replica_that_lags(both, consistency, lag):
    both.each(lambda one: one.configure("d1", replica_lag_writes=lag))
    mark = None
    for turn in range(TURNS):
        mark = ask(both, f"{consistency}-{lag}", turn, mark, consistency=consistency)
    assert (mark is not None) == (consistency == "session")


@pytest.mark.parametrize("consistency", ["none", "session", "memory"])
def test_long_conversations_are_summarised_on_the_way(both, consistency):
    both.each(lambda one: one.configure("d1", replica_lag_writes=2))
    mark = None
    for turn in range(2 * TURNS):
        mark = ask(
            *(both, f"long-{consistency}", turn, mark),
            consistency=consistency,
            history_messages=7,
            summarize_over_tokens=60,
        )


@pytest.mark.parametrize("stream", ["convert", "pass"])
def test_a_turn_that_is_sent_again(both, stream):
    both.each(lambda one: one.configure("d1", replica_lag_writes=2))
    mark = None
    for turn in (0, 0, 1, 1, 0):
        mark = ask(
            *(both, f"again-{stream}", turn, mark), consistency="session", stream=stream
        )


MARKS = st.from_regex(r"[!-~]([ -~]{0,20}[!-~])?", fullmatch=True)


@given(MARKS | st.sampled_from(["first-primary", "first-unconstrained", "0" * 8]))
@settings(max_examples=30)
def test_bookmarks_that_were_never_given(both, mark):
    sent = both.world.requests["chat"]
    request = replace(sent, headers={**sent.headers, HEADER: mark})
    both.compare("turn", "chat", request, stores=("d1",), consistency="session")


def test_a_conversation_of_another_tenant(both):
    row = {"id": "theirs", "tenant_id": "other", "created_at": 1, "updated_at": 1}
    both.each(lambda one: one.put("d1", {"rows": {"conversations": [row]}}))
    sent = both.world.requests["chat"]
    body = {"query": "Whose?", "conversationId": "theirs", "turnId": "t"}
    request = replace(sent, body=wire.dumps(body))
    for consistency in ("none", "session", "memory"):
        answer = both.compare(
            "turn", "chat", request, stores=("d1",), consistency=consistency
        )
        assert answer[0] == 403


def test_enough_was_compared():
    assert TALLY["turn"] > 100
