"""Services that fail, under the Python path and under the Worker: the same answer.

Where a service fails in the middle of an invocation, what R2 holds is not compared:
the Worker puts the objects of a stage at the same time, the Python path one by one.
"""

from __future__ import annotations

import pytest
from test_path_faults import cells, params
from worker_support import TALLY, halves

# Bindings and fetches that hang are given up after this time, nothing else is.
HASTY = {"timeout_s": 0.3, "llm_timeout_s": 0.3}
LATER = ("refused", "reset", "429", "5xx", "cut", "malformed")


@pytest.fixture(scope="module")
def both(request):
    with halves(request.config) as running:
        yield running


def compare(both, kind, invocation, service, fault, stores=(), options=None, **given):
    """Ask both while ``service`` fails; faults and settings are gone afterwards."""
    hasty = HASTY if fault == "hang" else {}
    given = {**params(fault), **given}
    both.each(lambda one: one.fault(service, fault, **given))
    try:
        return both.compare(
            kind,
            invocation,
            both.world.requests[invocation],
            stores=stores,
            **hasty,
            **(options or {}),
        )
    finally:
        both.each(lambda one: one.clear_faults())


@pytest.mark.parametrize(("invocation", "service", "fault"), list(cells()))
def test_every_fault_of_every_service(both, invocation, service, fault):
    compare(both, "fault", invocation, service, fault, stores=("d1", "kv", "queue"))


@pytest.mark.parametrize("fault", [*LATER, "overloaded", "giant_line", "split_utf8"])
def test_a_stream_that_is_passed_on(both, fault):
    options = {"stream": "pass"}
    compare(both, "fault", "chat", "anthropic", fault, ("d1",), options)


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.9, 1.0])
@pytest.mark.parametrize("fault", ["cut", "overloaded"])
def test_a_stream_breaks_off_anywhere(both, fault, fraction):
    compare(both, "fault", "chat", "anthropic", fault, ("d1",), fraction=fraction)


# The limit's bucket is read and written after the session; a turn is saved at the end.
@pytest.mark.parametrize(
    ("invocation", "service", "after"),
    [
        *[("chat", "kv", after) for after in (1, 2)],
        *[("chat", "d1", 1), ("ingest", "r2", 1)],
    ],
)
@pytest.mark.parametrize("fault", [*LATER, "hang"])
def test_a_later_call_fails(both, invocation, service, after, fault):
    compare(
        *(both, "later fault", invocation, service, fault),
        stores=("d1", "kv", "queue"),
        after=after,
    )


@pytest.mark.parametrize("fault", [*LATER, "hang"])
@pytest.mark.parametrize("invocation", ["chat", "consume"])
def test_texts_in_objects_of_their_own(both, invocation, fault):
    options = {"context": "r2"}
    compare(both, "fault", invocation, "r2", fault, options=options)


def test_a_bucket_that_is_written_too_often(both):
    both.each(lambda one: one.configure("kv", enforce_write_rate=True))
    for _ in range(3):
        both.compare("fault", "chat", both.world.requests["chat"], stores=("d1",))
    both.each(lambda one: one.configure("kv", enforce_write_rate=False))


@pytest.mark.parametrize("service", ["embeddings", "anthropic"])
@pytest.mark.parametrize("seconds", [0, 17])
def test_a_wait_that_the_provider_asks_for(both, service, seconds):
    answer = compare(both, "fault", "chat", service, "429", retry_after=seconds)
    assert answer[1]["retry-after"] == str(seconds)


def test_a_summary_that_fails(both):
    both.fresh()
    both.each(lambda one: one.fault("anthropic", "5xx", after=1))
    both.compare("fault", "chat", both.world.long_chat, stores=("d1",))
    both.each(lambda one: one.clear_faults())


def test_enough_was_compared():
    assert TALLY["fault"] > 100
    assert TALLY["later fault"] == 28
