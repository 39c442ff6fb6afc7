"""Every re-ranker ranks as the reference does, whatever the values and their form.

Adding a re-ranker is adding a file: it is held to all of this from then on.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from rerank_support import METADATA, awkward, cases_of, from_values, taken
from workerd_support import needs_workerd

from bench.paths import ROOT
from bench.rerankers import HOSTS, INPUTS, REFERENCE, Case, Ranking, _hosts, load
from bench.rerankers._jobs import from_response, generate
from bench.rerankers._judge import rights, why_wrong

MODULES = load()
SIZES = ((1, 1536), (8, 1536), (3, 3072), (5, 130), (40, 384))


@pytest.fixture(params=MODULES)
def named(request):
    """A re-ranker whose runtime is there, with its name."""
    module = MODULES[request.param]
    if module.RUNTIME == "workerd":
        needs_workerd()
    return request.param, module


def judged(named, cases: dict[str, Case]) -> dict[str, str]:
    name, module = named
    said = _hosts.host(module).judge(name, module, cases)
    assert list(said) == list(cases)
    return {case: why for case, why in said.items() if why}


def test_a_module_exports_what_the_contract_says(named):
    _, module = named
    assert module.RUNTIME in HOSTS
    assert module.NOTE == module.NOTE.strip() != ""
    assert module.version() == module.version() != ""
    assert taken(module)
    assert module.ranker("punched cards") is None


def test_the_reference_takes_every_input():
    assert taken(MODULES[REFERENCE]) == list(INPUTS)


def test_it_ranks_generated_jobs_as_the_reference_does(named):
    cases = {
        f"{k}x{dims} {given}": Case(k, dims, given)
        for k, dims in SIZES
        for given in taken(named[1])
    }
    assert judged(named, cases) == {}


def test_it_ranks_awkward_jobs_as_the_reference_does(named, tmp_path):
    assert judged(named, cases_of(named[1], awkward(), tmp_path)) == {}


def test_it_ranks_the_committed_result_as_the_reference_does(named):
    file = ROOT / "fixtures" / "vectorize_top8.json"
    cases = {given: Case(8, 1536, given, file) for given in taken(named[1])}
    assert judged(named, cases) == {}


def test_it_ranks_a_recorded_result_as_the_reference_does(named, real: Path):
    file = real / "vectorize" / "docs_query_with_values.json"
    cases = {given: Case(3, 32, given, file) for given in taken(named[1])}
    assert judged(named, cases) == {}


VALUES = st.integers(-1000, 1000).map(lambda value: value / 1000)


@st.composite
def small_jobs(draw):
    """A few short vectors, many of them the same."""
    dims = draw(st.integers(1, 9))
    vectors = st.lists(VALUES, min_size=dims, max_size=dims)
    pairs = st.tuples(vectors, st.sampled_from(METADATA))
    known = draw(st.lists(pairs, min_size=1, max_size=4))
    matches = draw(st.lists(st.sampled_from(known), min_size=1, max_size=12))
    values, metadata = zip(*matches, strict=True)
    return from_values(draw(vectors), values, list(metadata))


@settings(max_examples=60)
@given(job=small_jobs())
def test_any_small_job_is_ranked_as_by_the_reference(job):
    for name, module in MODULES.items():
        if module.RUNTIME != "cpython":
            continue
        batch = getattr(module, "BATCH", 0)
        expected = rights(job, batch or 1)
        for given_as in taken(module):
            found = module.ranker(given_as)(job)(job.given(given_as))
            for ranking, right in zip(
                found if batch else [found], expected, strict=True
            ):
                assert why_wrong(ranking, right) == "", (name, given_as)


def test_the_reference_scores_as_the_path_does():
    """By hand: two unit vectors, an age of 30 days, a weight, the tenant's own."""
    now = 1_790_000_000.0
    metadata = [
        {"createdAt": now - 30 * 86_400, "weight": 0.5, "tenantId": "other"},
        {"createdAt": now, "weight": 2, "tenantId": "mine"},
    ]
    job = from_values([3.0, 4.0], [[1.0, 0.0], [0.0, 2.0]], metadata)
    rank = MODULES[REFERENCE].ranker("lists")(replace(job, tenant="mine", now=now))
    order, scores = rank(job.matches)
    assert order == [1, 0]
    assert scores == pytest.approx([2 * (0.8 + 0.15 + 0.05), 0.5 * (0.6 + 0.075)])


RIGHT = rights(generate(8, 64, ties=True), 1)[0]
ORDER = sorted(range(8), key=lambda place: -RIGHT.scores[place])
SCORES = [RIGHT.scores[place] for place in ORDER]


@pytest.mark.parametrize(
    ("order", "scores", "said"),
    [
        (ORDER, SCORES, ""),
        (ORDER, [score + 9e-6 for score in SCORES], ""),
        (ORDER, [score + 2e-5 for score in SCORES], "scores match"),
        (ORDER, [float("nan")] * 8, "scores match"),
        (ORDER[::-1], SCORES[::-1], "before match"),
        (ORDER[:-1], SCORES[:-1], "ranks 7 matches"),
        ([*ORDER[:-1], ORDER[0]], SCORES, "not each of 8 once"),
    ],
)
def test_the_judge_says_what_is_wrong(order, scores, said):
    found = why_wrong(Ranking(order, scores), RIGHT)
    assert said in found if said else found == ""


def test_the_judge_lets_near_matches_change_places_but_no_equal_ones():
    row = [0.5, 0.25, 0.125]
    near = [0.5, 0.25, 0.125001]
    job = from_values([1.0, 1.0, 1.0], [row, row, near], [{}, {}, {}])
    right = rights(job, 1)[0]
    scores = [right.scores[0]] * 3
    assert right.same_as == [0, 0, 2]
    assert why_wrong(Ranking([0, 2, 1], scores), right) == ""
    assert "its equal" in why_wrong(Ranking([1, 2, 0], scores), right)


def test_a_result_is_a_job_whatever_its_metadata(real: Path):
    body = (real / "vectorize" / "docs_query_with_values.json").read_bytes()
    job = from_response(body)
    assert (job.k, job.dims, job.tenant) == (3, 32, "")
    assert [match.id for match in job.matches] == ["4", "3", "2"]
    assert job.response == body
