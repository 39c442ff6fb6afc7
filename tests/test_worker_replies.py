"""Replies of another form than was promised, to the Python path and to the Worker.

A stand-in takes the place of one service and gives the reply to both.
"""

from __future__ import annotations

import base64
import json
import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from path_support import VECTOR, match
from worker_standin import stand_in
from worker_support import TALLY, halves

from bench.world import NOW


@pytest.fixture(scope="module")
def both(request):
    with halves(request.config) as running:
        yield running


@pytest.fixture(scope="module")
def standing():
    with stand_in() as one:
        yield one


def compare(both, standing, service, said, invocation="chat", **options):
    standing.script = lambda path, body: said
    side = both.side({service: standing.url}, **options)
    request = both.world.requests[invocation]
    return both.compare("odd reply", invocation, request, side=side)


def whole(value, headers=None):
    return 200, headers or {}, value


def floats(*values):
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


ZEROS = [0.0] * 1535
EMBEDDINGS = {
    "good": [{"embedding": VECTOR}],
    "base64": [{"embedding": floats(*VECTOR)}],
    "none": [],
    "two": [{"embedding": VECTOR}] * 2,
    "short": [{"embedding": ZEROS}],
    "long": [{"embedding": [*VECTOR, 1]}],
    "a text in it": [{"embedding": [*ZEROS, "x"]}],
    "null in it": [{"embedding": [*ZEROS, None]}],
    "large": [{"embedding": [*ZEROS, 10**400]}],
    "not a number": [{"embedding": floats(*ZEROS, float("nan"))}],
    "short base64": [{"embedding": floats(*ZEROS)}],
    "half a float": [{"embedding": floats(*VECTOR)[:-4]}],
    "no base64": [{"embedding": "?" * 8192}],
    "no embedding": [{}],
    "an object": {},
    "zeros": [{"embedding": [*ZEROS, 0]}],
}


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_embeddings(both, standing, name):
    def play(path, body):
        if path != "/v1/embeddings":
            return 200, {}, b'data: {"type":"message_stop"}\n\n'
        return whole({"data": EMBEDDINGS[name]})

    standing.script = play
    endpoints = dict.fromkeys(("embeddings", "anthropic", "outbound"), standing.url)
    side = both.side(endpoints)
    request = both.world.requests["chat"]
    answer = both.compare("odd reply", "chat", request, side=side)
    assert (answer[0] == 200) == (name in {"good", "base64", "zeros"})


def test_infinity_in_an_embedding(both, standing):
    body = json.dumps({"data": [{"embedding": [*ZEROS, 1.5]}]}).replace("1.5", "1e999")
    standing.script = lambda path, _: whole(body.encode())
    side = both.side({"embeddings": standing.url, "outbound": standing.url})
    request = both.world.requests["chat"]
    assert both.compare("odd reply", "chat", request, side=side)[0] == 502


MATCHES = {
    "good": [match("a", VECTOR), match("b", [*ZEROS[:-1], 1.0, 0.5])],
    "none": [],
    "no list": 7,
    "an object": {},
    "texts": ["a"],
    "no id": [{"score": 1}],
    "a number for an id": [{"id": 7, "score": 1}],
    "no score": [{"id": "a"}],
    "no metadata": [{"id": "a", "score": 1, "values": VECTOR}],
    "null metadata": [{"id": "a", "score": 1, "values": VECTOR, "metadata": None}],
    "a list as metadata": [{"id": "a", "score": 1, "values": VECTOR, "metadata": [1]}],
    "no text": [match("a", VECTOR, content=7), match("b", VECTOR, content="")],
    "other dimensions": [match("a", [1.0])],
    "texts in values": [{**match("a"), "values": ["x"] * 1536}],
    "weights": [match("a", VECTOR, weight=0), match("b", VECTOR, weight=2.5)],
    "a weight that is none": [match("a", VECTOR, weight="heavy")],
    "a date that is none": [match("a", VECTOR, createdAt="then")],
    "dates": [match("a", VECTOR, createdAt=1e9), match("b", VECTOR, createdAt=1.79e9)],
    "ties": [match("a", VECTOR), match("b", VECTOR), match("c", VECTOR)],
    "others": [match("a", VECTOR, tenantId=7), match("b", VECTOR)],
}


@pytest.mark.parametrize("rerank", ["off", "in_path"])
@pytest.mark.parametrize("name", MATCHES)
def test_matches(both, standing, name, rerank):
    said = whole({"count": 1, "matches": MATCHES[name]})
    compare(both, standing, "vectorize", said, rerank=rerank)
    assert both.unequal(("anthropic",)) == ""


def near(angle):
    """A vector at this angle to the query's, if that is the last axis."""
    return [*ZEROS[:-1], math.sin(angle), math.cos(angle)]


SCORED = st.fixed_dictionaries(
    {
        "angle": st.floats(0, 1.5),
        "weight": st.sampled_from([0.5, 0.9, 1, 1.1, 2]),
        "createdAt": st.integers(0, 90).map(lambda days: NOW - days * 86400),
        "tenantId": st.sampled_from(["northwind-care", "another"]),
    }
)


@given(st.lists(SCORED, min_size=2, max_size=6))
@settings(max_examples=40)
def test_the_order_of_the_matches(both, standing, scored):
    """Told by the prompt, which has the texts in their order."""
    matches = [
        match(
            f"m{number}", near(one["angle"]), **{k: one[k] for k in one if k != "angle"}
        )
        for number, one in enumerate(scored)
    ]
    replies = {
        "/v1/embeddings": whole({"data": [{"embedding": VECTOR}]}),
        "/query": whole({"count": len(matches), "matches": matches}),
        "/v1/messages": whole(b'data: {"type":"message_stop"}\n\n'),
    }
    standing.script = lambda path, _: replies[path]
    names = ("embeddings", "anthropic", "vectorize", "outbound")
    side = both.side(dict.fromkeys(names, standing.url), rerank="in_path")
    prompts = []
    side.between = lambda: prompts.append(prompted(standing))
    both.compare("order", "chat", both.world.requests["chat"], side=side)
    assert prompts[-1] == prompted(standing) != []


ORDERS = {
    "backwards": (2, 1, 0),
    "as it is": (0, 1, 2),
    "too few": (0, 1),
    "twice the same": (0, 0, 1),
    "beyond": (0, 1, 3),
    "none": (),
}


@pytest.mark.parametrize("name", ORDERS)
def test_the_order_of_the_service(both, standing, name):
    order = ORDERS[name]
    matches = [match(f"m{number}", VECTOR) for number in range(3)]
    replies = {
        "/v1/embeddings": whole({"data": [{"embedding": VECTOR}]}),
        "/query": whole({"count": 3, "matches": matches}),
        "/rerank": whole(2 * struct.pack(f"<{len(order)}I", *order)),
        "/v1/messages": whole(b'data: {"type":"message_stop"}\n\n'),
    }
    standing.script = lambda path, _: replies[path]
    names = ("embeddings", "anthropic", "vectorize", "rerank", "outbound")
    side = both.side(dict.fromkeys(names, standing.url), rerank="offload")
    status, *_ = both.compare("order", "chat", both.world.requests["chat"], side=side)
    assert status == (200 if sorted(order) == [0, 1, 2] else 502)


def prompted(standing):
    """What the model was asked since the last time."""
    return [body for path, body in standing.heard() if path == "/v1/messages"]


@pytest.mark.parametrize("said", [{}, [], None, "x", 7], ids=str)
@pytest.mark.parametrize("invocation", ["chat", "consume"])
def test_replies_of_vectorize(both, standing, said, invocation):
    compare(both, standing, "vectorize", whole(said), invocation)


def rows(*lists, columns=("tenant_id", "summary")):
    """Replies of D1 whose second statement gives messages."""
    names = [columns, ("id", "role", "content", "token_count")]
    return [
        {
            "success": True,
            "results": {"columns": names[number], "rows": listed},
            "meta": {},
        }
        for number, listed in enumerate(lists)
    ]


CONVERSATION = [["northwind-care", "so far"]]
ROWS = {
    "good": rows(CONVERSATION, [["m", "user", "Hi", 1]]),
    "none": rows([], []),
    "no tenant": rows([[None, None]], []),
    "a number for a tenant": rows([[7, None]], []),
    "another tenant": rows([["other", "so far"]], []),
    "a number for a summary": rows([["northwind-care", 7]], []),
    "no tokens": rows([], [["m", "user", "Hi", None]]),
    "no role": rows([], [["m", None, "Hi", 1]]),
    "no content": rows([], [["m", "user", None, 1]]),
    "no id": rows([], [[None, "user", "Hi", 1]]),
    "tokens that are none": rows([], [["m", "user", "Hi", "many"]]),
    "failed": [{"success": False, "error": "no such table"}],
    "the second failed": [rows([])[0], {"success": False, "error": "no such table"}],
    "failed as a whole": {"success": False, "error": "overloaded"},
    "nothing": [],
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("status", [200, 500])
def test_rows(both, standing, name, status):
    compare(both, standing, "d1", (status, {}, ROWS[name]))


HEAD = {"name": "k", "version": "1", "size": 5, "etag": "e", "uploaded": 0}
OBJECTS = {
    "good": (HEAD, b"a\nb c", None),
    "another size": ({**HEAD, "size": 50}, b"a\nb c", None),
    "no size in the header": (HEAD, b"a\nb c", ""),
    "cut inside the metadata": (HEAD, b"", "500"),
    "no UTF-8": (HEAD, b"a\xff\xe2\x82b", None),
    "empty": ({**HEAD, "size": 0}, b"", None),
}


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("invocation", ["chat", "consume"])
def test_objects(both, standing, name, invocation):
    head, body, size = OBJECTS[name]
    about = json.dumps(head).encode()
    headers = {"cf-r2-metadata-size": str(len(about)) if size is None else size}
    said = whole(about + body, headers)
    compare(both, standing, "r2", said, invocation, context="r2")
    assert both.unequal(("anthropic",)) == ""


@pytest.mark.parametrize("said", [b"", b"{", {}, []], ids=str)
@pytest.mark.parametrize("service", ["queue", "r2"])
def test_what_a_write_is_answered_with(both, standing, service, said):
    compare(both, standing, service, whole(said), "ingest")


STORED = [
    *(b"", b"\n", b"{}", b"7", b'{"id":7,"text":"x"}', b'{"id":"a:b:0","text":"x"}'),
    b'{"id":"a:b:0","text":"x","startMs":5,"endMs":9}\n{"id":"a:b:1","text":"\\ud83d"}',
]


@pytest.mark.parametrize("stored", STORED)
def test_chunks_that_someone_else_stored(both, stored):
    both.each(lambda one: one.put("r2", {"odd": stored}))
    request = both.world.requests["consume"]
    message = {"key": "odd", "tenantId": "t", "transcriptId": "x"}
    body = json.dumps([message]).encode()
    request = type(request)("POST", "/queue", {}, body)
    for context in ("metadata", "r2"):
        both.compare(
            *("odd reply", "consume", request),
            stores=("vectorize", "r2"),
            context=context,
        )


def test_enough_was_compared():
    assert TALLY["odd reply"] > 120
    assert TALLY["order"] >= 40
