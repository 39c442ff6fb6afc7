"""Jobs: what is ranked, in all its forms, and what is made of a given response."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rerank_support import METADATA, awkward

from bench.errors import BenchError
from bench.rerankers import INPUTS
from bench.rerankers._jobs import from_response, generate
from bench.rerankers._judge import rights
from bench.rerankers._ranking import best_first, parts, ranked, ranked_array, scores
from bench.rerankers.blas_batched import settled


@given(k=st.integers(1, 30), dims=st.integers(2, 300), ties=st.booleans())
def test_a_job_is_the_same_each_time_and_in_every_form(k, dims, ties):
    job, again = (generate(k, dims, seed=3, ties=ties) for _ in range(2))
    assert (job.k, job.dims) == (k, dims)
    assert job.response == again.response
    assert job.query == again.query == np.array(job.query, np.float32).tolist()
    values = np.array([match.values for match in job.matches], np.float32)
    assert values.tobytes() == job.rows.tobytes() == job.buffer
    assert base64.b64decode(job.base64) == job.buffer
    without = json.loads(job.response_without_values)
    whole = json.loads(job.response)
    assert without["count"] == whole["count"] == k
    for bare, match in zip(without["matches"], whole["matches"], strict=True):
        assert bare == {key: match[key] for key in match if key != "values"}


def test_jobs_of_other_seeds_and_sizes_differ():
    bodies = {generate(4, 64, seed=seed).response for seed in (1, 2)}
    assert len(bodies | {generate(5, 64).response, generate(4, 65).response}) == 4


def test_a_generated_job_looks_like_a_result_of_the_index():
    job = generate(100, 768)
    index = [match.score for match in job.bare]
    assert index == sorted(index, reverse=True)
    near = job.rows.astype(float) @ job.query32 / np.linalg.norm(job.rows, axis=1)
    assert near == pytest.approx(index, abs=1e-6)
    assert len({match.id for match in job.bare}) == 100


def test_ties_repeat_values_and_metadata():
    assert len(set(rights(generate(64, 128), 1)[0].same_as)) == 64
    assert 16 < len(set(rights(generate(64, 128, ties=True), 1)[0].same_as)) < 48


def test_fresh_values_are_made_anew_and_others_are_not():
    job = generate(3, 16)
    for form in INPUTS:
        same = job.given(form) is job.given(form)
        assert same == (form != "fresh"), form
    with pytest.raises(BenchError, match="'punched cards'"):
        job.given("punched cards")


def test_rephrasings_are_near_the_query_which_is_the_first():
    job = generate(2, 512)
    queries = job.queries(8)
    assert queries.shape == (8, 512)
    assert queries[0].tolist() == job.query
    near = queries @ job.query32 / np.linalg.norm(queries, axis=1)
    assert ((near[1:] > 0.8) & (near[1:] < 0.99)).all()


@pytest.mark.parametrize(("k", "dims"), [(0, 8), (1, 1)])
def test_a_job_has_matches_and_dimensions(k, dims):
    with pytest.raises(ValueError, match=f"{k} matches of {dims} dimensions"):
        generate(k, dims)


def test_the_query_of_a_response_is_the_mean_of_its_values():
    body = {
        "count": 2,
        "matches": [
            {"id": "a", "score": 0.9, "values": [1, 0], "metadata": METADATA[0]},
            {"id": "b", "score": 0.8, "values": [0, 1]},
        ],
    }
    job = from_response(json.dumps(body).encode())
    assert job.query == pytest.approx([0.5**0.5] * 2)
    assert job.tenant == METADATA[0]["tenantId"]
    assert job.matches[1].metadata == {}


def _result(**changed: object) -> dict:
    return {"id": "a", "score": 0.9, "values": [1, 2], "metadata": {}} | changed


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "Expecting"),
        (b"[]", "list"),
        (b'{"matches":[]}', "there are none"),
        ({"matches": [_result(values=[])]}, "there are none"),
        ({"matches": [{"id": "a", "score": 0.9}]}, "'values' is missing"),
        ({"matches": [{"values": [1], "score": 0.9}]}, "'id' is missing"),
        ({"matches": [_result(), _result(values=[1])]}, "inhomogeneous"),
        ({"matches": [_result(values=["x"])]}, "could not convert"),
        ({"matches": [_result(values=[1e300, 1])]}, "not all of them are float32"),
        ({"matches": [_result(metadata={"createdAt": "May"})]}, "unsupported operand"),
        ({"matches": [_result(metadata=["x"])]}, "no attribute 'get'"),
    ],
)
def test_what_is_no_result_with_values_is_refused_in_words(body, said):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(BenchError, match=f"not a Vectorize result with .*{said}"):
        from_response(data)


def test_a_recorded_result_without_values_is_refused(real: Path):
    body = (real / "vectorize" / "docs_query_scores.json").read_bytes()
    assert len(json.loads(body)["matches"]) == 5
    with pytest.raises(BenchError, match="'values' is missing"):
        from_response(body)


@pytest.mark.parametrize("job", awkward().values(), ids=awkward())
def test_arrays_make_the_same_scores_as_the_loop_bit_for_bit(job):
    cosines = np.random.default_rng(5).uniform(-1, 1, job.k)
    loop = ranked(job, job.bare, cosines.tolist())
    assert best_first(scores(cosines, parts(job, job.bare))) == loop
    assert ranked_array(job, job.bare, cosines) == loop


def test_scores_that_a_product_blurred_are_made_again_where_they_could_decide():
    job = generate(64, 256, ties=True)
    right = rights(job, 1)[0]
    noise = np.random.default_rng(5).uniform(-1e-7, 1e-7, job.k)
    given_parts = parts(job, job.bare)
    found = settled(np.array(right.scores) + noise, job.query32, job.rows, given_parts)
    assert found == pytest.approx(right.scores, abs=1e-6)
    for place, first in enumerate(right.same_as):
        assert found[place] == found[first]
