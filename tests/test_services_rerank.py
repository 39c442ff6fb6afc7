"""Re-ranking: strict bodies, one answer whatever the form, batches, and devices."""

from __future__ import annotations

import asyncio
import json
import socket

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_support import ask

from bench.errors import UserError
from bench.path.bindings.vectorize import Match
from bench.path.chat.rerank import cosine, score
from bench.services._port import bound
from bench.services._rerank_port import BatchingPort
from bench.services._rerank_wire import BYTES, JSON, MAX_QUERIES
from bench.services.rerank import Service

NOW = 1_790_000_000.0
DIMS = 4


def query(*candidates, vector=(1, 0, 0, 0), tenant="t"):
    return {
        "query": list(vector),
        "tenant": tenant,
        "now": NOW,
        "candidates": list(candidates),
    }


def candidate(*values, **facts):
    return {"values": list(values), **facts}


def as_json(queries):
    return json.dumps({"queries": queries}).encode()


def as_bytes(queries, dims=DIMS):
    """The binary form of ``queries``, written as its documentation says."""
    rows, bare = [], []
    for one in queries:
        rows.append(one["query"])
        rows += [each["values"] for each in one.get("candidates", ())]
        left = {name: value for name, value in one.items() if name != "query"}
        if "candidates" in one:
            left["candidates"] = [
                {name: value for name, value in each.items() if name != "values"}
                for each in one["candidates"]
            ]
        bare.append(left)
    header = json.dumps({"dims": dims, "queries": bare}).encode()
    head = len(header).to_bytes(4, "little") + header
    return head + bytes(-len(header) % 4) + np.array(rows, "<f4").tobytes()


def post(service, body, kind=JSON, accept=JSON):
    headers = {"Content-Type": kind, "Accept": accept}
    return ask(service, "POST", "/rerank", body, headers)


def ranked(service, queries, form="json"):
    """(order, scores) of each query, asked and answered as JSON, bytes, or by ids."""
    if form == "json":
        reply = post(service, as_json(queries))
        assert reply.status == 200, reply.body
        results = json.loads(reply.body)["results"]
        return [
            (each["order"], np.float32(each["scores"]).tolist()) for each in results
        ]
    sent = queries if form == "bytes" else [by_ids(service, one) for one in queries]
    reply = post(service, as_bytes(sent), BYTES, BYTES)
    assert reply.status == 200, reply.body
    found, rest = [], reply.body
    for one in queries:
        k = len(one["candidates"])
        order, scores = np.frombuffer(rest[: 4 * k], "<u4"), rest[4 * k : 8 * k]
        found.append((order.tolist(), np.frombuffer(scores, "<f4").tolist()))
        rest = rest[8 * k :]
    assert rest == b""
    return found


def by_ids(service, one):
    """The same query, its candidates put into the service before."""
    ids = [str(place) for place in range(len(one["candidates"]))]
    vectors = [
        {"id": id_, "values": each["values"], "metadata": {**each, "content": "text"}}
        for id_, each in zip(ids, one["candidates"], strict=True)
    ]
    service.put({"vectors": vectors})
    left = {name: value for name, value in one.items() if name != "candidates"}
    return {**left, "ids": ids}


def reference(one):
    """Scores of the path, in the order of the candidates."""
    vector = one["query"]
    norm = float(np.linalg.norm(vector))
    return [
        score(
            cosine(vector, norm, each["values"]),
            Match("", 0.0, each, []),
            one["tenant"],
            one["now"],
        )
        for each in one["candidates"]
    ]


@pytest.fixture
def service():
    return Service(1)


coordinates = st.floats(-100, 100, width=32).map(lambda x: x if abs(x) > 1e-3 else 0.0)
vectors = st.lists(coordinates, min_size=DIMS, max_size=DIMS)
candidates = st.fixed_dictionaries(
    {"values": vectors},
    optional={
        "createdAt": st.integers(0, 2 * int(NOW)),
        "weight": st.floats(-2, 2, width=32),
        "tenantId": st.sampled_from(["t", "u"]),
    },
)
queries = st.builds(
    lambda vector, found: query(*found, vector=vector),
    vectors,
    st.lists(candidates, max_size=6),
)


@given(st.lists(queries, min_size=1, max_size=4))
def test_scores_are_the_path_s_and_the_order_is_theirs(asked):
    for one, (order, scores) in zip(asked, ranked(Service(1), asked), strict=True):
        expected = reference(one)
        assert sorted(order) == list(range(len(expected)))
        assert scores == pytest.approx([expected[place] for place in order], abs=1e-5)
        assert scores == sorted(scores, reverse=True)


def hold_equal(found, expected):
    """The same rankings, but for the last bit of a product, which may depend on where
    in memory a row lies; whatever is that near may have changed places."""
    for (order, scores), (other, others) in zip(found, expected, strict=True):
        assert scores == pytest.approx(others, rel=1e-6, abs=1e-6)
        of = dict(zip(other, others, strict=True))
        assert scores == pytest.approx([of[p] for p in order], rel=1e-6, abs=1e-6)


@given(st.lists(queries, min_size=1, max_size=4))
def test_json_bytes_and_a_batch_answer_the_same(asked):
    service = Service(1)
    together = ranked(service, asked)
    hold_equal(ranked(service, asked, "bytes"), together)
    hold_equal([ranked(service, [one])[0] for one in asked], together)


@given(queries)
def test_ids_answer_as_the_values_they_stand_for(asked):
    service = Service(1)
    hold_equal(ranked(service, [asked], "ids"), ranked(service, [asked]))


def test_queries_of_several_dimensions_are_one_batch(service):
    wide = query(candidate(*[1.0] * 8), candidate(*[0.0] * 8), vector=[1.0] * 8)
    narrow = query(candidate(0, 1, 0, 0), candidate(1, 0, 0, 0))
    first, second = ranked(service, [wide, narrow])
    assert (first[0], second[0]) == ([0, 1], [1, 0])
    assert json.loads(ask(service, "GET", "/info").body)["batches"] == 1


def test_ties_keep_the_order_of_the_index(service):
    equal = [candidate(1, 1, 0, 0) for _ in range(20)]
    assert ranked(service, [query(*equal)])[0][0] == list(range(20))


def test_a_vector_without_length_is_near_nothing(service):
    one = query(candidate(0, 0, 0, 0), candidate(-1, 0, 0, 0), candidate(1, 0, 0, 0))
    order, scores = ranked(service, [one])[0]
    assert order == [2, 0, 1]
    assert scores[0] - scores[1] == pytest.approx(1)


GOOD = as_bytes([query(candidate(1, 0, 0, 0))])


@pytest.mark.parametrize(
    ("body", "kind", "status", "says"),
    [
        (b"{", JSON, 400, "truncated"),
        (b"{}", JSON, 400, "queries"),
        (as_json([]), JSON, 400, "length"),
        (as_json([query()] * (MAX_QUERIES + 1)), JSON, 400, "length"),
        (as_json([query() | {"extra": 1}]), JSON, 400, "extra"),
        (as_json([query() | {"tenant": ""}]), JSON, 400, "tenant"),
        (as_json([query() | {"now": "today"}]), JSON, 400, "now"),
        (as_json([query() | {"ids": ["a"]}]), JSON, 400, "either"),
        (as_json([query() | {"candidates": None}]), JSON, 400, "either"),
        (as_json([query(vector=[])]), JSON, 400, "1 to 4096"),
        (as_json([query(candidate(1, 2))]), JSON, 400, "candidate 0 has 2"),
        (as_json([query(candidate(1, 2, 3, None))]), JSON, 400, "null"),
        (as_json([query(candidate(1e300, 2, 3, 4))]), JSON, 400, "coordinate"),
        (as_json([query(candidate(1, 0, 0, 0, weight=1e9))]), JSON, 400, "weight"),
        (as_bytes([query(candidate(1, 2, 3, np.nan))]), BYTES, 400, "coordinate"),
        (as_bytes([query() | {"query": [1] * 5}]), BYTES, 400, "promises"),
        (GOOD[:-1], BYTES, 400, "promises"),
        (GOOD + b"\0", BYTES, 400, "promises"),
        (b"\1", BYTES, 400, "length of the header"),
        (b"\xff\xff\0\0{}", BYTES, 400, "65535 bytes long"),
        (b"\2\0\0\0{}", BYTES, 400, "dims"),
        (GOOD, "text/plain", 415, "text/plain"),
        (GOOD, "", 415, "without a type"),
    ],
)
def test_a_bad_body_is_refused_with_its_reason(service, body, kind, status, says):
    reply = post(service, body, kind)
    assert reply.status == status
    assert says in json.loads(reply.body)["error"]


@given(st.binary(max_size=200))
def test_no_bytes_break_the_service(body):
    for kind in (JSON, BYTES):
        assert post(Service(1), body, kind).status == 400


def test_an_unknown_id_is_404_and_names_it(service):
    asked = by_ids(service, query(candidate(1, 0, 0, 0)))
    for ids, vector in ((["0", "x"], [1] * 4), (["0"], [1] * 5)):
        reply = post(service, as_json([asked | {"ids": ids, "query": vector}]))
        assert reply.status == 404
        assert repr(ids[-1]) in json.loads(reply.body)["error"]


@pytest.mark.parametrize(
    "vector",
    [
        {"values": [1]},
        {"id": "a", "values": ["x"]},
        {"id": "a", "values": [1e300]},
        {"id": "a", "values": [1], "metadata": {"weight": "heavy"}},
    ],
)
def test_what_cannot_be_held_is_the_user_s_error(service, vector):
    with pytest.raises(UserError, match="no data for the service"):
        service.put({"vectors": [vector]})
    assert service.dump() == {}


def test_a_later_vector_replaces_one_of_the_same_id(service):
    one = by_ids(service, query(candidate(1, 0, 0, 0)))
    before = ranked_by_ids(service, one)
    service.put({"vectors": [{"id": "0", "values": [0, 1, 0, 0]}]})
    assert before - ranked_by_ids(service, one) == pytest.approx(1)


def ranked_by_ids(service, asked):
    reply = json.loads(post(service, as_json([asked])).body)
    return reply["results"][0]["scores"][0]


def test_it_is_served_seeded_broken_and_reset_like_any_service(services):
    one = query(candidate(0, 1, 0, 0), candidate(1, 0, 0, 0))
    url = services.endpoints["rerank"] + "/rerank"
    kinds = {"content-type": BYTES, "accept": JSON}
    answer = httpx.post(url, content=as_bytes([one]), headers=kinds)
    assert answer.json()["results"][0]["order"] == [1, 0]
    services.put("rerank", {"vectors": [{"id": "a", "values": np.ones(DIMS)}]})
    assert services.dump("rerank") == {"4": ["a"]}
    services.fault("rerank", "429", count=1)
    assert httpx.post(url, content=b"{}").status_code == 429
    services.reset()
    assert services.dump("rerank") == {}


# A port that batches.


async def exchanged(service, bodies, fault=None):
    """Answers to requests that are all there before the server looks: (status, body)"""
    port = BatchingPort(service, bound(0))
    await port.open()
    if fault is not None:
        await port.add_fault(*fault)
    loop = asyncio.get_running_loop()
    clients = [socket.create_connection(("127.0.0.1", port.number)) for _ in bodies]
    await asyncio.sleep(0.05)  # until every connection is accepted
    for client, body in zip(clients, bodies, strict=True):
        head = (
            f"POST /rerank HTTP/1.1\r\nHost: rerank\r\nContent-Type: {JSON}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        client.sendall(head.encode() + body)
        client.setblocking(False)
    answers = []
    for client in clients:
        raw = b""
        while part := await loop.sock_recv(client, 1 << 20):
            raw += part
        client.close()
        head, _, body = raw.partition(b"\r\n\r\n")
        answers.append((int(head.split()[1]), body))
    await port.close()
    return answers


def test_requests_that_wait_together_are_one_batch(service):
    asked = [
        query(candidate(place, 1, 0, 0), candidate(1, place, 0, 0))
        for place in range(9)
    ]
    alone = [ranked(Service(1), [one])[0] for one in asked]
    answers = asyncio.run(exchanged(service, [as_json([one]) for one in asked]))
    for (status, body), (order, scores) in zip(answers, alone, strict=True):
        assert status == 200
        (result,) = json.loads(body)["results"]
        hold_equal([(result["order"], result["scores"])], [(order, scores)])
    assert (service.batches, service.queries) == (1, 9)


def test_a_bad_request_does_not_spoil_the_batch_that_it_came_with(service):
    good = as_json([query(candidate(1, 0, 0, 0))])
    answers = asyncio.run(exchanged(service, [good, b"{", good]))
    assert [status for status, _ in answers] == [200, 400, 200]
    assert (service.batches, service.queries) == (1, 2)


def test_a_batch_that_cannot_be_computed_is_500_for_all(service, monkeypatch, capsys):
    monkeypatch.setattr(service, "rank", lambda jobs: 1 / 0)
    good = as_json([query(candidate(1, 0, 0, 0))])
    answers = asyncio.run(exchanged(service, [good, good]))
    assert [status for status, _ in answers] == [500, 500]
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "status"), [("5xx", 503), ("malformed", 200), ("overloaded", 503)]
)
def test_faults_break_a_batched_answer_too(service, kind, status):
    good = as_json([query(candidate(1, 0, 0, 0))])
    ((got, body),) = asyncio.run(exchanged(service, [good], (kind, {})))
    assert got == status
    if kind == "malformed":
        with pytest.raises(json.JSONDecodeError):
            json.loads(body)
