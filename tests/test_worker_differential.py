"""The Python path and the Worker are one service: same requests, same everything.

Answers are compared byte for byte, with the headers that mean something, and so is
what is left in D1, KV, R2, the queue and Vectorize, and what the model was asked. This
file has the journey in every pair of option variants; its siblings have recorded and
generated inputs, faults, conversations over turns, webhooks and the agent.

Known differences, which no input here contains:

* JSON nested so deep that Python gives up (at its recursion limit, far from what any
  service sends), and 1e999 inside the input of a tool that the model sends whole:
  Python refuses both, JavaScript does not.
* Keys like "7" in the input of a tool: JavaScript sorts them to the front.
* Lines of a stream near the limit of 1 MiB: Python counts bytes, JavaScript characters.
* A byte order mark before a KV value: the binding removes it from every value.
* Booleans, null and texts with digits where a service promised numbers, and counts of
  tokens written as 12.0: one takes what the other refuses.
* Replies of D1 or the queue that are null, a number, or have no results at all: what
  the bindings make of them differs from service to service.
* Characters that are newer than the Unicode version of this Python's normalisation.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from worker_support import TALLY, halves

VARIANTS = {
    "rerank": ("off", "in_path", "offload"),
    "parse": ("full", "fields"),
    "stream": ("convert", "pass"),
    "context": ("metadata", "r2"),
    "consistency": ("none", "session", "memory"),
    "embedding": ("float", "base64"),
}
STORES = ("d1", "kv", "r2", "queue", "vectorize", "anthropic")


@pytest.fixture(scope="module")
def both(request):
    with halves(request.config) as running:
        yield running


def covering() -> list[dict[str, Any]]:
    """Few choices of all variants that hold every pair of two options' variants."""
    choices = [dict(zip(VARIANTS, one, strict=True)) for one in product()]
    missing = {pair for choice in choices for pair in pairs(choice)}
    chosen = []
    while missing:
        best = max(choices, key=lambda choice: len(missing & pairs(choice)))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


def product():
    return itertools.product(*VARIANTS.values())


def pairs(choice):
    return set(itertools.combinations(choice.items(), 2))


@pytest.mark.parametrize("options", covering(), ids=lambda o: "-".join(o.values()))
def test_the_journey_leaves_the_same_in_every_variant(both, options):
    both.fresh()
    for name, request in both.world.requests.items():
        status = both.compare("journey", name, request, stores=STORES, **options)[0]
        assert status in (200, 202)
    # A conversation that is summarised, and one that a client continues.
    for _ in range(2):
        request = both.world.long_chat
        both.compare("journey", "chat", request, stores=STORES, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"chunk_chars": 300, "chunk_overlap": 80, "chunks_per_message": 3},
        {"top_k": 3, "rerank": "in_path", "history_messages": 5},
        {"max_transcript_bytes": 1000},
        {"rate_per_minute": 1},
        {"summarize_over_tokens": 100},
    ],
    ids=lambda options: next(iter(options)),
)
def test_the_limits_hold_alike(both, options):
    both.fresh()
    for _ in range(2):
        for name, request in both.world.requests.items():
            both.compare("limits", name, request, stores=STORES, **options)


def test_the_services_are_asked_as_often(both):
    both.fresh()
    before = [stats.stats() for stats in (both.python, both.worker)]
    for name, request in both.world.requests.items():
        both.compare("journey", name, request)
    after = [stats.stats() for stats in (both.python, both.worker)]
    asked = [
        {name: new[name]["requests"] - old[name]["requests"] for name in new}
        for old, new in zip(before, after, strict=True)
    ]
    assert asked[0] == asked[1]


def test_enough_was_compared():
    assert TALLY["journey"] > 30
    assert TALLY["limits"] > 20
