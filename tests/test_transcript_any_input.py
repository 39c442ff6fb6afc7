"""Whatever the bytes are: a transcript, or an error with file and remedy."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UserError
from bench.fixtures.deepgram import generate
from bench.transcript import parse

WHOLE = generate(1, words=3, utterances=True)


def accepted_or_refused(data):
    try:
        found = parse(data, "mine.json")
    except UserError as error:
        named = (error.exit_code, error.file, bool(error.remedy))
        return named == (2, "mine.json", True)
    return found.data == data and bool(found.text.encode().strip())


@given(st.binary(max_size=200))
def test_any_bytes(data):
    assert accepted_or_refused(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json(value):
    text = json.dumps(value)
    assert accepted_or_refused(text.encode())
    assert accepted_or_refused(f'{{"results":{text}}}'.encode())


@given(st.data())
def test_any_cut_or_insertion(data):
    whole = WHOLE
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 40)))
    noise = data.draw(
        st.binary(max_size=6) | st.sampled_from([b'"', b"\\", b"[", b"}"])
    )
    assert accepted_or_refused(whole[:start] + noise + whole[end:])


def paths_of(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list):
            yield from paths_of(inner, (*path, key))
        else:
            yield (*path, key)


@given(st.data(), json_values)
def test_any_value_in_any_place(data, value):
    tree = json.loads(WHOLE)
    *inside, last = data.draw(st.sampled_from(list(paths_of(tree))[1:]))
    parent = tree
    for key in inside:
        parent = parent[key]
    parent[last] = value
    assert accepted_or_refused(json.dumps(tree).encode())
