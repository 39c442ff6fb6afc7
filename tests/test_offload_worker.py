"""The ways to re-rank, in real workerd: each answers its own reference's order."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workerd_support import needs_workerd

from bench.errors import BenchError
from bench.offload import OPTIONS, _index, hosts
from bench.offload.questions import ask, beyond
from bench.offload.scene import stage
from bench.path.http import Request
from bench.rerankers import TOLERANCE
from bench.services._vector_rules import MAX_DIMENSIONS, MAX_TOP_K_WITH_DATA

GRID = [(1, 2), (4, 64), (20, 64)]


@pytest.fixture(scope="module")
def scene():
    needs_workerd()
    with stage(GRID, 3, timeout_s=1.0) as staged:
        yield staged


@pytest.fixture(scope="module")
def isolates(scene):
    with scene.isolates(1) as running:
        yield running


@pytest.fixture
def rerank(scene):
    yield scene.services
    scene.services.clear_faults()


def test_every_option_answers_the_order_that_is_right_for_it(scene):
    assert scene.check(list(scene.cases)) == {}
    assert len(scene.cases) == len(OPTIONS) * len(GRID)


def test_what_is_sent_and_received_is_what_the_option_says(scene, isolates):
    (_, _, question) = scene.questions
    answers = {
        name: scene.cost(f"{name}/{question.size}", isolates, 0)[1] for name in OPTIONS
    }
    for name, option in OPTIONS.items():
        body = len(question.body(values=option.values))
        assert (answers[name].sent > 0) == option.offloads
        assert (answers[name].received > body) == option.offloads
        assert answers[name].received >= body
    vectors = 4 * 64 * 21
    assert answers["offload_binary"].sent > vectors > answers["offload_ids"].sent
    assert answers["offload_json"].sent > answers["offload_binary"].sent
    # The answer in bytes: four for each place and each score.
    binary = question.body(values=True)
    assert answers["offload_binary"].received == len(binary) + 8 * 20


def test_a_question_that_nobody_prepared_is_refused_by_the_worker(isolates, scene):
    asked = Request("GET", "/off?k=7&dims=64", {}, b"")
    status, said = isolates.ask(0, asked)
    assert status == 502
    assert b"nothing was prepared for k=7&dims=64&values=false" in said
    for path in ("/other?k=4&dims=64", "/off?k=4&dims=65"):
        assert isolates.ask(0, Request("GET", path, {}, b""))[0] == 404


@pytest.mark.parametrize(
    ("kind", "params", "says"),
    [
        ("5xx", {}, "answered 503"),
        ("refused", {}, "lost"),
        ("reset", {}, "lost"),
        ("malformed", {}, "Error"),
        ("hang", {}, "TimeoutError"),
    ],
)
def test_a_service_that_fails_fails_those_who_need_it(
    scene, rerank, kind, params, says
):
    rerank.fault(hosts.RERANK, kind, **params)
    names = [f"{name}/4x64" for name in OPTIONS]
    wrong = scene.check(names)
    assert set(wrong) == {
        f"{option.name}/4x64" for option in OPTIONS.values() if option.offloads
    }
    assert all(says in message for message in wrong.values()), wrong


def test_a_service_that_lies_is_found_out(scene, isolates, rerank):
    held = [
        {"id": match.id, "values": [-x for x in match.values]}
        for match in scene.questions[2].approximate
    ]
    good = rerank_vectors(scene)
    rerank.put(hosts.RERANK, {"vectors": held})
    with pytest.raises(BenchError, match="offload_ids/20x64: match"):
        scene.cost("offload_ids/20x64", isolates, 0)
    rerank.put(hosts.RERANK, {"vectors": good})
    scene.cost("offload_ids/20x64", isolates, 0)


def rerank_vectors(scene):
    return [
        {"id": match.id, "values": match.values, "metadata": match.metadata}
        for match in scene.questions[2].approximate
    ]


def test_each_option_may_have_an_order_of_its_own():
    (question,) = ask([(40, 64)], 1)
    best = Counter(
        tuple(sorted_ids(question, OPTIONS[name])) for name in ("off", "in_path")
    )
    assert len(best) == 2
    ids = sorted_ids(question, OPTIONS["in_path"])
    question.check(OPTIONS["in_path"], ids)
    with pytest.raises(BenchError, match="too high"):
        question.check(OPTIONS["off"], ids)


def sorted_ids(question, option):
    matches, scores = question.matches(option), question._scores(option)
    order = sorted(range(question.k), key=scores.__getitem__, reverse=True)
    return [matches[place].id for place in order]


def test_approximate_scores_are_near_the_exact_ones_and_no_more():
    (question,) = ask([(40, 256)], 1)
    exact = {match.id: match.score for match in question.exact}
    off = [abs(match.score - exact[match.id]) for match in question.approximate]
    assert 0 < max(off) < 0.01


def scored(*scores):
    """A question whose matches have these scores, and what is asked of them."""
    (question,) = ask([(len(scores), 2)], 1)
    matches = [
        replace(match, score=one, metadata={})
        for match, one in zip(question.exact, scores, strict=True)
    ]
    return replace(question, exact=matches), [match.id for match in matches]


def test_a_swap_is_allowed_within_the_tolerance_and_never_between_equals():
    exact = OPTIONS["exact"]
    question, (a, b) = scored(0.5, 0.5 - TOLERANCE / 2)
    question.check(exact, [a, b])
    question.check(exact, [b, a])
    question, (a, b) = scored(0.5, 0.5 - TOLERANCE * 2)
    with pytest.raises(BenchError, match="too high, on rank 0"):
        question.check(exact, [b, a])
    question, (a, b) = scored(0.5, 0.5)
    question.check(exact, [a, b])
    with pytest.raises(BenchError, match="equal and swapped"):
        question.check(exact, [b, a])
    for ids in ([a], [a, a], [a, b, b], [a, "x"]):
        with pytest.raises(BenchError, match="not those of 2 matches"):
            question.check(exact, ids)


@given(st.permutations(range(6)))
def test_only_the_reference_s_order_passes_where_scores_are_apart(order):
    question, ids = scored(*(0.9 - place / 10 for place in range(6)))
    given_ids = [ids[place] for place in order]
    if list(order) == sorted(order):
        question.check(OPTIONS["exact"], given_ids)
    else:
        with pytest.raises(BenchError):
            question.check(OPTIONS["exact"], given_ids)


def test_smaller_questions_are_the_best_of_the_larger_one():
    small, large = ask([(3, 16), (9, 16)], 5)
    assert small.exact == large.exact[:3]
    assert small.approximate == large.approximate[:3]
    assert json.loads(small.body(values=True))["count"] == 3
    assert "values" not in json.loads(small.body(values=False))["matches"][0]


def test_sizes_that_vectorize_does_not_have_are_called_so():
    assert beyond(MAX_TOP_K_WITH_DATA, MAX_DIMENSIONS) is None
    assert "1536 dimensions" in beyond(8, MAX_DIMENSIONS + 1)
    assert "50 matches" in beyond(MAX_TOP_K_WITH_DATA + 1, 8)


def test_the_index_answers_what_was_put():
    service = _index.Service(1)
    service.put({_index.question(8, 16, values=True): b"{}"})
    assert service.dump() == ["k=8&dims=16&values=true"]
    with pytest.raises(BenchError):
        service.put({"k": 1})
    service.clear()
    assert service.dump() == []
