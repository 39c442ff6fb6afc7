"""Generated Vectorize results: shape, true scores, independence of the options."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.fixtures import vectorize_result

METADATA = ["tenantId", "source", "title", "createdAt", "weight", "content"]


def matches(**options) -> list[dict]:
    tree = json.loads(vectorize_result.generate(1, **options))
    assert list(tree) == ["count", "matches"]
    assert tree["count"] == len(tree["matches"])
    return tree["matches"]


def test_scores_are_the_float32_cosine_with_the_query_vector():
    """numpy in float64 is the oracle; a float32 holds its value to one part in 2^24."""
    query = np.array(vectorize_result.query_vector(1))
    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-12)
    for match in matches():
        vector = np.array(match["values"])
        cosine = vector @ query / np.linalg.norm(vector)
        assert match["score"] == pytest.approx(cosine, rel=1.2e-7)
        assert np.float32(match["score"]) == pytest.approx(match["score"], rel=1e-9)


def test_scores_descend_without_ties():
    scores = [match["score"] for match in matches(k=50, dims=64)]
    assert scores == sorted(set(scores), reverse=True)
    assert 0.3 <= scores[-1] < scores[0] <= 0.72


def test_values_are_shortest_float32_texts():
    body = vectorize_result.generate(2, k=2).decode()
    found = [
        text
        for array in re.findall(r'"values":\[([^\]]*)\]', body)
        for text in array.split(",")
    ]
    assert len(found) == 2 * 1536
    assert all(text == str(np.float32(text)) for text in found)


def test_key_order_is_that_of_the_documented_sample(real):
    sample = real / "vectorize" / "docs_query_with_values.json"
    documented = json.loads(sample.read_bytes())["matches"]["matches"][0]
    assert list(matches()[0]) == list(documented)


def test_metadata_is_a_passage_within_the_documented_limits():
    """10 KiB of metadata and 64 bytes of id (Vectorize limits, 2026-08-05)."""
    found = matches(k=50, values=False)
    for match in found:
        assert list(match["metadata"]) == METADATA
        assert 400 <= len(match["metadata"]["content"]) <= 2_000
        assert len(json.dumps(match["metadata"]).encode()) < 10 * 1024
        assert len(match["id"].encode()) <= 64
    assert len({match["id"] for match in found}) == 50
    assert len({match["metadata"]["tenantId"] for match in found}) == 1


@pytest.mark.parametrize("left_out", ["values", "metadata"])
def test_leaving_a_part_out_changes_nothing_else(left_out):
    full = matches()
    for match in full:
        del match[left_out]
    assert matches(**{left_out: False}) == full


def test_size_of_the_top_8():
    """8 x 1536 shortest float32 texts of 12.5 characters and the comma after each."""
    with_values = len(vectorize_result.generate(1))
    without = len(vectorize_result.generate(1, values=False))
    assert 12.3 < (with_values - without) / (8 * 1536) < 12.8
    assert 6_000 < without < 20_000


@given(k=st.integers(0, 6), dims=st.integers(2, 30), seed=st.integers(0, 2**40))
def test_any_size_is_valid(k, dims, seed):
    tree = json.loads(vectorize_result.generate(seed, k=k, dims=dims))
    assert [len(match["values"]) for match in tree["matches"]] == [dims] * k
