"""Metadata filters of Vectorize: what they mean, and which are refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_support import call

from bench.services._filters import FilterError, compile_filter
from bench.services.vectorize import Service

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 1.0, "", "a"])
)
ORDERED = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, 1.0, "", "a", "b"]))
CONDITIONS = st.one_of(
    SCALARS,
    st.builds(lambda o, v: {o: v}, st.sampled_from(["$eq", "$ne"]), SCALARS),
    st.builds(
        lambda o, v: {o: v},
        st.sampled_from(["$in", "$nin"]),
        st.lists(SCALARS, min_size=1, max_size=3),
    ),
    st.builds(
        lambda o, v: {o: v}, st.sampled_from(["$lt", "$lte", "$gt", "$gte"]), ORDERED
    ),
    st.builds(
        lambda a, x, b, y: {a: x, b: y},
        st.sampled_from(["$gt", "$gte"]),
        ORDERED,
        st.sampled_from(["$lt", "$lte"]),
        ORDERED,
    ),
)
KEYS = ["a", "b", "n.a", "n.b"]
FILTERS = st.dictionaries(st.sampled_from(KEYS), CONDITIONS, min_size=1, max_size=3)
LEAVES = st.one_of(SCALARS, st.just(["a"]))
METADATA = st.dictionaries(
    st.sampled_from(["a", "b", "n"]),
    st.one_of(LEAVES, st.dictionaries(st.sampled_from(["a", "b"]), LEAVES)),
)


def reference(filter_, metadata):
    """The documented meaning, spelled out without sharing code with the service."""
    for key, condition in filter_.items():
        value = metadata
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, dict | list):
            value = None
        if not isinstance(condition, dict):
            condition = {"$eq": condition}
        for name, operand in condition.items():
            if not reference_one(name, typed(value), operand):
                return False
    return True


def reference_one(name, value, operand):
    if name == "$eq":
        return value == typed(operand)
    if name == "$ne":
        return value != typed(operand)
    if name == "$in":
        return value in [typed(item) for item in operand]
    if name == "$nin":
        return value not in [typed(item) for item in operand]
    if value[0] != typed(operand)[0]:
        return False
    sign = (value[1] > operand) - (value[1] < operand)
    return sign in {"$lt": [-1], "$lte": [-1, 0], "$gt": [1], "$gte": [0, 1]}[name]


def typed(value):
    kinds = {bool: "boolean", int: "number", float: "number", str: "string"}
    return kinds.get(type(value), "null"), value


@given(FILTERS, st.lists(METADATA, max_size=8))
def test_a_filter_means_what_the_reference_says(filter_, many):
    passes = compile_filter(filter_)
    for metadata in many:
        assert passes(metadata) == reference(filter_, metadata)


def ids(service, **asked):
    body = json.dumps({"vector": [1, 0, 0, 0], **asked}).encode()
    reply = service.handle(call("POST", "/query", body))
    return [match["id"] for match in json.loads(reply.body)["matches"]]


def vector(name, metadata):
    return {"id": name, "values": [1, 0, 0, 0], "metadata": metadata}


@given(FILTERS, st.lists(METADATA, min_size=1, max_size=8))
def test_a_query_returns_exactly_what_passes_the_filter(filter_, many):
    service = Service(1)
    service.configure({"dimensions": 4})
    service.put({"vectors": [vector(str(i), m) for i, m in enumerate(many)]})
    expected = {str(i) for i, m in enumerate(many) if reference(filter_, m)}
    assert set(ids(service, filter=filter_, topK=50)) == expected


@pytest.mark.parametrize(
    "filter_",
    [
        None,
        [],
        {},
        {"": 1},
        {"a..b": 1},
        {"$a": 1},
        {"$or": [{"a": 1}]},
        {'a"': 1},
        {"k" * 513: 1},
        {"a": []},
        {"a": {}},
        {"a": {"b": 1}},
        {"a": {"$not": {"$eq": 1}}},
        {"a": {"$in": []}},
        {"a": {"$in": "x"}},
        {"a": {"$in": [[1]]}},
        {"a": {"$eq": {"b": 1}}},
        {"a": {"$gt": True}},
        {"a": {"$gt": None}},
        {"a": {"$eq": 1, "$ne": 2}},
        {"a": {"$gt": 1, "$gte": 2}},
        {"a": {"$gt": 1, "$lt": 2, "$ne": 3}},
        {"a": "x" * (2048 - len('{"a":""}'))},
    ],
)
def test_a_filter_that_vectorize_refuses(filter_):
    with pytest.raises(FilterError):
        compile_filter(filter_)


def test_filters_at_the_limits_pass():
    assert compile_filter({"k" * 512: 1})({"k" * 512: 1})
    assert not compile_filter({"a": "x" * (2047 - len('{"a":""}'))})({})


def test_text_is_compared_by_its_first_64_bytes():
    assert compile_filter({"a": "x" * 70})({"a": "x" * 80})
    assert not compile_filter({"a": "x" * 63})({"a": "x" * 64})
