"""Vectorize: limits with their codes, filters, recall, scores and late visibility."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_support import answered, call

from bench.errors import UserError
from bench.services._index import Index, Item
from bench.services.vectorize import Service


@pytest.fixture
def service(clock):
    made = Service(1, clock)
    made.configure({"dimensions": 4})
    return made


def ask(service, path, body, content_type="application/json", method="POST"):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": content_type}
    reply = answered(service, call(method, path, raw, headers))
    return reply.status, json.loads(reply.body)


def info(service):
    return ask(service, "/info", b"", method="GET")[1]


def vector(name, values=(1, 0, 0, 0), **more):
    return {"id": name, "values": list(values), **more}


def upsert(service, *vectors, path="/upsert"):
    return ask(service, path, {"vectors": list(vectors)})


def query(service, **body):
    return ask(service, "/query", {"vector": [1, 0, 0, 0], **body})


def ids(service, **body):
    return [match["id"] for match in query(service, **body)[1]["matches"]]


def test_ndjson_and_json_mean_the_same(service):
    lines = b'{"id":"a","values":[1,0,0,0]}\n{"id":"b","values":[0,1,0,0]}'
    status, answer = ask(service, "/upsert", lines, "application/x-ndjson")
    assert status == 200
    assert set(answer) == {"mutationId"}
    upsert(service, vector("c", (0.5, 0.5, 0, 0)))
    assert ids(service) == ["a", "c", "b"]


def test_a_match_has_what_was_asked_for(service):
    upsert(service, vector("a", (2, 0, 0, 0), namespace="n", metadata={"k": "v"}))
    bare = query(service)[1]["matches"][0]
    assert set(bare) == {"id", "score", "namespace"}
    full = query(service, returnValues=True, returnMetadata="all")[1]
    assert full == {
        "count": 1,
        "matches": [
            {
                "id": "a",
                "score": 1.0,
                "values": [2.0, 0.0, 0.0, 0.0],
                "metadata": {"k": "v"},
                "namespace": "n",
            }
        ],
    }


def test_numbers_are_printed_as_the_shortest_float32(service):
    upsert(service, vector("a", (0.1, 1 / 3, -0.0472412109375, 1e-5)))
    found = service.handle(call("POST", "/getByIds", b'{"ids":["a"]}'))
    assert b"[0.1,0.33333334,-0.04724121,0.00001]" in found.body


def test_insert_keeps_and_upsert_replaces(service):
    upsert(service, vector("a", metadata={"n": 1}))
    upsert(service, vector("a", metadata={"n": 2}), path="/insert")
    assert service.dump()[0]["metadata"] == {"n": 1}
    upsert(service, vector("a", (0, 1, 0, 0), metadata={"n": 3}))
    assert service.dump() == [{"id": "a", "metadata": {"n": 3}, "values": [0, 1, 0, 0]}]
    assert query(service, returnValues=True)[1]["matches"][0]["score"] == 0


def test_get_delete_and_query_by_id(service):
    upsert(service, vector("a"), vector("b", (0, 1, 0, 0)))
    assert [v["id"] for v in ask(service, "/getByIds", {"ids": ["b", "no"]})[1]] == [
        "b"
    ]
    answer = ask(service, "/query", {"vectorId": "b", "topK": 1})[1]
    assert answer["matches"][0]["id"] == "b"
    ask(service, "/deleteByIds", {"ids": ["b", "no"]})
    assert ids(service) == ["a"]
    assert info(service)["vectorCount"] == 1


TOO_DEEP = {f"k{i}": "x" * 60 for i in range(40)}


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ({"vector": [1, 2]}, 40006, "expected 4 dimensions, and got 2 dimensions"),
        ({"vector": []}, 40006, "expected 4 dimensions, and got 0 dimensions"),
        ({"vector": [1e39, 0, 0, 0]}, 40006, "float32"),
        ({"vectorId": "none", "vector": None}, 40006, "not found"),
        ({"topK": 51, "returnValues": True}, 40025, "max top K is 50, but got 51"),
        ({"topK": 51, "returnMetadata": "all"}, 40025, "retry with returnValues=false"),
        ({"topK": 101}, 40025, "max top K is 100, but got 101"),
        ({"topK": 0}, 40025, "top K"),
        ({"returnMetadata": True}, 40026, "Failed to parse"),
        ({"returnMetadata": "some"}, 40026, "returnMetadata: expected value"),
        ({"vector": "text"}, 40026, "Failed to parse"),
        ({"filter": {}}, 40026, "non-empty"),
        ({"filter": {"a": {"$or": []}}}, 40026, "$or"),
        ({"filter": TOO_DEEP}, 40026, "2048"),
    ],
)
def test_a_query_beyond_the_limits_gets_its_code(service, body, code, text):
    upsert(service, vector("a"))
    status, answer = query(service, **body)
    assert (status, answer["code"]) == (400, code)
    assert text in answer["error"]


def test_queries_at_the_limits_pass(service):
    upsert(service, *(vector(f"v{i}") for i in range(120)))
    assert len(ids(service, topK=50, returnValues=True, returnMetadata="all")) == 50
    assert len(ids(service, topK=100, returnMetadata="indexed")) == 100
    assert len(ids(service)) == 5


@pytest.mark.parametrize(
    ("given_", "code", "text"),
    [
        (vector("x" * 65), 40008, "id too long; max is 64 bytes, got 65 bytes"),
        (vector("é" * 33), 40008, "got 66 bytes"),
        (vector("a", (1, 2)), 40012, 'id="a", expected 4 dimensions, and got 2'),
        (vector("a", namespace="n" * 65), 40008, "namespace too long"),
        (vector("a", metadata={"t": "x" * 10_240}), 40012, "metadata too large"),
        (vector("a", metadata={"a.b": 1}), 40012, "metadata key"),
        (vector("a", metadata={"$a": 1}), 40012, "metadata key"),
        ({"id": "a"}, 40023, "failed to parse"),
    ],
)
def test_a_vector_beyond_the_limits_gets_its_code(service, given_, code, text):
    status, answer = upsert(service, given_)
    assert (status, answer["code"]) == (400, code)
    assert text in answer["error"]
    assert service.dump() == []


def test_vectors_at_the_limits_pass(service):
    at_limit = {"t": "x" * (10_240 - len('{"t":""}'))}
    more = {"namespace": "n" * 64, "metadata": at_limit}
    assert upsert(service, vector("x" * 64, **more))[0] == 200
    assert upsert(service, *(vector(str(i)) for i in range(1000)))[0] == 200
    assert upsert(service, *(vector(str(i)) for i in range(1001)))[0] == 400
    many = [str(i) for i in range(101)]
    assert ask(service, "/getByIds", {"ids": many[:20]})[0] == 200
    assert ask(service, "/getByIds", {"ids": many[:21]})[1]["code"] == 40007
    assert ask(service, "/deleteByIds", {"ids": many[:100]})[0] == 200
    assert ask(service, "/deleteByIds", {"ids": many})[1]["code"] == 40007


def test_dimensions_have_a_maximum(service):
    with pytest.raises(UserError, match="1536"):
        service.configure({"dimensions": 1537})
    service.configure({"dimensions": 1536})
    assert info(service)["dimensions"] == 1536


def test_mutations_are_visible_after_the_delay_and_in_order(service, clock):
    service.configure({"visibility_delay_ms": 2_000})
    _, first = upsert(service, vector("a"))
    clock.now += 1
    _, second = upsert(service, vector("b"))
    assert ids(service) == []
    assert info(service)["processedUpToMutation"] is None
    clock.now += 1
    assert ids(service) == ["a"]
    assert info(service)["processedUpToMutation"] == first["mutationId"]
    clock.now += 1
    assert info(service) == {
        "vectorCount": 2,
        "dimensions": 4,
        "processedUpToDatetime": "1970-01-12T13:46:43.000Z",
        "processedUpToMutation": second["mutationId"],
    }


def test_visibility_can_be_counted_in_queries(service):
    service.configure({"visible_after_queries": 2})
    upsert(service, vector("a"))
    assert [ids(service) for _ in range(3)] == [[], [], ["a"]]


def test_what_is_put_is_visible_at_once(service):
    service.configure({"visibility_delay_ms": 1e9})
    service.put({"vectors": [vector("a")]})
    assert ids(service) == ["a"]
    with pytest.raises(UserError, match="dimensions"):
        service.put({"vectors": [vector("a", (1,))]})
    with pytest.raises(UserError, match="values"):
        service.put({"vectors": [{"id": "a"}]})


def test_indexed_metadata_is_cut_to_64_bytes_at_a_character(service):
    text = "a" + "é" * 40
    upsert(service, vector("a", metadata={"t": text, "n": 1, "list": ["x"]}))
    answer = query(service, returnMetadata="indexed")[1]
    assert answer["matches"][0]["metadata"] == {"t": "a" + "é" * 31, "n": 1}
    service.configure({"metadata_indexes": ["n"]})
    answer = query(service, returnMetadata="indexed")[1]
    assert answer["matches"][0]["metadata"] == {"n": 1}


def test_namespace_and_filter_narrow_the_search(service):
    upsert(
        service,
        vector("a", namespace="x", metadata={"tenant": "t1", "at": 5}),
        vector("b", namespace="x", metadata={"tenant": "t2", "at": 6}),
        vector("c", namespace="y", metadata={"tenant": "t1", "at": 7}),
    )
    assert ids(service, namespace="x") == ["a", "b"]
    assert ids(service, filter={"tenant": "t1"}) == ["a", "c"]
    assert ids(service, filter={"tenant": "t1"}, namespace="y") == ["c"]
    assert ids(service, filter={"tenant": "t1", "at": {"$gt": 4, "$lt": 7}}) == ["a"]
    upsert(service, vector("a", namespace="x", metadata={"tenant": "t2"}))
    assert ids(service, filter={"tenant": "t1"}) == ["c"]


def clustered(count, dimensions, seed=7):
    """Vectors around 20 centres, which is how embeddings of documents lie."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((20, dimensions))
    noise = rng.standard_normal((count, dimensions))
    return (centres[rng.integers(20, size=count)] + noise).astype(np.float32)


def exact(vectors, asked, k, allowed):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = unit @ (asked / np.linalg.norm(asked))
    return [int(i) for i in sorted(allowed, key=lambda i: -scores[i])[:k]], scores


@pytest.fixture(scope="module")
def large():
    vectors = clustered(3_000, 64)
    index = Index(64)
    for i, values in enumerate(vectors):
        index.put(Item(str(i), values, None, {"even": i % 2 == 0, "rare": i % 50 == 0}))
    return index, vectors


@pytest.mark.parametrize(
    ("key", "passes", "step"),
    [
        ("all", lambda item: True, 1),
        ("even", lambda item: item.metadata["even"], 2),
        ("rare", lambda item: item.metadata["rare"], 50),
    ],
)
def test_recall_of_the_approximate_search(large, key, passes, step):
    index, vectors = large
    hits = total = 0
    for asked in clustered(50, 64, seed=8):
        found = index.search(asked, 10, exact=False, passes=passes, filter_key=key)
        best, _ = exact(vectors, asked, 10, range(0, 3_000, step))
        hits += len({int(item.id) for item, _ in found} & set(best))
        total += 10
        assert all(int(item.id) % step == 0 for item, _ in found)
    assert hits / total >= 0.95


def test_scores_are_approximate_without_values_and_exact_with_them(large):
    index, vectors = large
    worst = {False: 0.0, True: 0.0}
    for asked in clustered(20, 64, seed=9):
        _, scores = exact(vectors, asked, 1, range(3_000))
        for with_values in (False, True):
            found = index.search(
                asked, 10, exact=with_values, passes=lambda _: True, filter_key="all"
            )
            errors = [abs(float(s) - scores[int(item.id)]) for item, s in found]
            worst[with_values] = max(worst[with_values], *errors)
            assert [s for _, s in found] == sorted((s for _, s in found), reverse=True)
    assert worst[True] < 1e-6 < worst[False] < 0.05


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "remove"]), st.integers(0, 9)), max_size=40
    )
)
def test_the_index_equals_a_dictionary_after_any_edits(edits):
    index, model = Index(8), {}
    rng = np.random.default_rng(1)
    for step, number in edits:
        if step == "put":
            values = rng.standard_normal(8).astype(np.float32)
            index.put(Item(str(number), values))
            model[str(number)] = values
        else:
            index.remove(str(number))
            model.pop(str(number), None)
        found = index.search(
            np.ones(8, np.float32), 20, exact=True, passes=lambda _: True, filter_key=""
        )
        assert {item.id for item, _ in found} == set(model)
        assert all(np.array_equal(i.values, model[i.id]) for i, _ in found)


def test_the_shape_equals_the_documentations_sample(service, real):
    sample = json.loads(
        (real / "vectorize" / "docs_query_with_values.json").read_text()
    )
    upsert(service, vector("4", metadata={"url": "/p"}))
    answer = query(service, returnValues=True, returnMetadata="all")[1]
    assert set(answer) == set(sample["matches"])
    assert set(answer["matches"][0]) == set(sample["matches"]["matches"][0])
