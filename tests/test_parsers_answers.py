"""What the right answer to each question is, and that a difference is found."""

from __future__ import annotations

import base64
import json
import math
import struct
from array import array
from typing import NamedTuple

import msgspec
import numpy as np
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.parsers import KINDS, Question
from bench.parsers._answers import kind_of, plain, reference, why_different
from bench.parsers._compare import short
from bench.parsers._objects import version_of
from bench.parsers._travel import flat, whole
from bench.path.ingest import Turn

WORDS = [
    {"word": "hi", "start": 0, "end": 0.5, "confidence": 1, "speaker": 1, "other": 9},
    {"word": "so", "start": 0.5, "end": 1.0, "punctuated_word": "So.", "speaker": None},
]
TRANSCRIPT = {
    "metadata": {
        "sha256": "ab",
        "request_id": "r",
        "created": "2026",
        "duration": 8,
        "channels": 2,
    },
    "results": {
        "channels": [
            {
                "alternatives": [
                    {"transcript": "hi so", "words": WORDS},
                    {"transcript": ""},
                ]
            },
            {"alternatives": [{"transcript": "bye"}]},
        ]
    },
}
EMBEDDING = {"data": [{"embedding": [0.5, 1]}, {"embedding": [-2.0]}]}
VECTORIZE = {
    "count": 2,
    "matches": [
        {"id": "a", "score": 1, "values": [1, 0.25], "metadata": {"b": 1}},
        {"id": "c", "score": 0.5},
    ],
}
DEPTH = 20_000


def body(value) -> bytes:
    return json.dumps(value).encode()


def nested(depth: int):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def test_fields_of_a_transcript():
    assert reference(Question("fields", "transcript"), body(TRANSCRIPT)) == [
        {
            "transcript": "hi so",
            "words": [
                {
                    "word": "hi",
                    "start": 0.0,
                    "end": 0.5,
                    "confidence": 1.0,
                    "speaker": 1,
                },
                {"word": "so", "start": 0.5, "end": 1.0, "punctuated_word": "So."},
            ],
        },
        {"transcript": "bye", "words": []},
    ]


def test_first_of_a_transcript():
    found = reference(Question("first", "transcript"), body(TRANSCRIPT))
    assert (
        why_different(
            {"request_id": "r", "created": "2026", "duration": 8.0, "channels": 2},
            found,
        )
        == ""
    )


def test_chunks_of_a_transcript():
    assert reference(Question("chunks", "transcript"), body(TRANSCRIPT)) == [
        {"text": "hi", "speaker": 1, "start_ms": 0, "end_ms": 500},
        {"text": "So.", "speaker": 0, "start_ms": 500, "end_ms": 1000},
        {"text": "bye", "speaker": 1, "start_ms": 0, "end_ms": 0},
    ]


def test_fields_of_embeddings_are_doubles():
    found = reference(Question("fields", "embedding"), body(EMBEDDING))
    assert why_different([[0.5, 1.0], [-2.0]], found) == ""


def test_base64_is_little_endian_float32():
    text = base64.b64encode(struct.pack("<2f", 0.1, -3)).decode()
    found = reference(
        Question("fields", "embedding"), body({"data": [{"embedding": text}]})
    )
    assert found == [[0.10000000149011612, -3.0]]


def test_fields_of_a_vectorize_result():
    found = reference(Question("fields", "vectorize"), body(VECTORIZE))
    assert why_different([["a", 1.0, [1.0, 0.25]], ["c", 0.5, None]], found) == ""


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (TRANSCRIPT, "transcript"),
        (EMBEDDING, "embedding"),
        (VECTORIZE, "vectorize"),
        ({"results": TRANSCRIPT["results"]}, "other"),
        ({"metadata": {}, "results": {"channels": [{"alternatives": []}]}}, "other"),
        ({"data": [{"embedding": "?"}]}, "other"),
        ({"data": [{"id": 1}]}, "other"),
        ({"matches": {"count": 1, "matches": []}}, "other"),
        ({}, "other"),
        ([1], "other"),
        ("matches", "other"),
        (None, "other"),
    ],
)
def test_kinds(value, kind):
    assert kind_of(body(value)) == kind


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_of_another_kind(text):
    assert kind_of(text) == "other"


class Word(msgspec.Struct):
    word: str
    start: float
    speaker: int | None = None


class Alternative(NamedTuple):
    transcript: str
    words: list


FOUND = [{"transcript": "a", "words": [{"word": "a", "start": 1.0}]}]


@pytest.mark.parametrize(
    "answer",
    [
        FOUND,
        [("a", [Word("a", 1.0)])],
        [Alternative("a", [{"word": "a", "start": 1, "speaker": None}])],
        polars.DataFrame(
            {"transcript": ["a"], "words": [[{"word": "a", "start": 1.0}]]}
        ),
        (each for each in FOUND),
    ],
    ids=["dicts", "structs", "tuples", "table", "generator"],
)
def test_answers_of_every_form_are_read(answer):
    assert plain(Question("fields", "transcript"), answer) == FOUND


@pytest.mark.parametrize(
    "vector",
    [[0.5, 2], array("f", [0.5, 2]), np.array([0.5, 2], np.float32), (0.5, 2.0)],
    ids=["list", "array", "numpy", "tuple"],
)
def test_vectors_of_every_form_are_read(vector):
    assert plain(Question("fields", "embedding"), [vector]) == [[0.5, 2.0]]
    assert plain(Question("fields", "vectorize"), [("a", 1, vector)]) == [
        ["a", 1.0, [0.5, 2.0]]
    ]


def test_turns_of_every_form_are_read():
    turn = {"text": "a", "speaker": None, "start_ms": 1, "end_ms": 2}
    question = Question("chunks", "transcript")
    assert plain(question, [Turn(*turn.values())]) == plain(question, [turn]) == [turn]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (Question("fields", "transcript"), ["text"]),
        (Question("fields", "transcript"), None),
        (Question("fields", "embedding"), ["0.5"]),
        (Question("fields", "embedding"), [b"12"]),
        (Question("fields", "vectorize"), [("a", 1)]),
        (Question("first", "transcript"), "text"),
    ],
)
def test_what_is_no_answer_raises(question, answer):
    with pytest.raises((TypeError, LookupError)):
        plain(question, answer)


@pytest.mark.parametrize(
    ("expected", "found", "why"),
    [
        ({"a": [0, 1.0]}, {"a": [0, 1]}, "$.a[1]: 1 instead of 1.0"),
        ([1], [True], "$[0]: True instead of 1"),
        ([0.0], [-0.0], "$[0]: -0.0 instead of 0.0"),
        ([1], (1,), "$: a tuple instead of [1]"),
        ([[]], [{}], "$[0]: {} instead of []"),
        ([1, 2], [1], "$: 1 items instead of 2"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "$: has its keys in another order"),
        ({"a": 1}, {"b": 1}, "$: lacks the key 'a'"),
        ({}, {"b": 1}, "$: has a key 'b' that should not be there"),
        (None, 0, "$: 0 instead of None"),
        ("a", "b", "$: 'b' instead of 'a'"),
        (math.nan, 1.0, "$: 1.0 instead of nan"),
        (10**400, 1, "$: 1 instead of an integer of 1,329 bits"),
    ],
)
def test_a_difference_is_named(expected, found, why):
    assert why_different(expected, found) == why


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (1, 1.0),
        (0, -0.0),
        (2**53 + 1, 2.0**53),
        (10**400, math.inf),
        (math.nan, math.nan),
        ({"b": 1, "2": 1, "10": 2}, {"2": 1, "10": 2, "b": 1}),
        ({"b": 1, "01": 1, "4294967295": 2}, {"b": 1, "01": 1, "4294967295": 2}),
    ],
)
def test_what_javascript_cannot_tell_apart_is_equal_there(expected, found):
    assert why_different(expected, found, javascript=True) == ""


def test_javascript_tells_the_rest_apart():
    assert why_different(1, True, javascript=True)
    assert why_different(1, 1.5, javascript=True)
    assert why_different({"2": 1, "1": 1}, {"2": 1, "1": 1}, javascript=True)
    assert why_different(2**53 + 1, 2.0**53, javascript=True, digits=True)
    assert not why_different(2**53, 2.0**53, javascript=True, digits=True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_a_value_equals_itself_and_survives_the_way(value):
    assert why_different(value, value) == ""
    assert why_different(value, whole(json.loads(json.dumps(flat(value))))) == ""
    assert len(short(value)) <= 60


@given(JSON, JSON)
def test_two_values_are_equal_where_their_texts_are(one, other):
    same = json.dumps(one) == json.dumps(other)
    assert (why_different(one, other) == "") is same


def test_depth_is_no_obstacle():
    deep = nested(DEPTH)
    assert why_different(deep, nested(DEPTH)) == ""
    assert "..." in why_different(deep, nested(DEPTH + 1))
    assert why_different(deep, whole(flat(deep))) == ""


def test_what_is_no_value_arrives_as_what_it_was():
    assert short(whole(flat([1, {2}]))[1]) == "a set"


def test_every_kind_is_asked_for_everything():
    assert all("full" in modes for modes in KINDS.values())


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(BenchError, match=r"no-such-parser is not installed\n  remedy"):
        version_of("no-such-parser")()
