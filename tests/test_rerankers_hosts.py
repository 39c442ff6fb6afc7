"""Hosts: re-rankers from anywhere are measured by turns, and failures become words."""

from __future__ import annotations

from contextlib import closing
from types import SimpleNamespace

import pytest
from rerank_support import package_of, taken
from workerd_support import needs_workerd

from bench.errors import BenchError
from bench.measure.process import Turn
from bench.measure.turns import Member, Pace, groups
from bench.rerankers import Case, _hosts, load
from bench.rerankers._cpython import Batches

PACE = Pace(rounds=2, seconds=1, warm_seconds=0.05, least=1)
HEAD = """
    from bench.rerankers import Ranking
    from bench.rerankers._ranking import ranked, rankers
    from bench.rerankers.pure_python import ranker as right
    RUNTIME, NOTE = "cpython", "a test's"
    def version(): return "1"
"""
TYPESCRIPT = """
    RUNTIME, NOTE = "workerd", "a test's"
    def version(): return "1"
    def ranker(given):
        if given not in ("lists", "fresh"):
            return None
        return '''
            import {{ lists, type Ranker }} from "entries/cosine_arrays";
            export const ranker = (job: any) => {{
              const rank = lists(job);
              {prepared}
              return (matches: any) => {{ {body} }};
            }};
        '''
"""


def typescript(body: str, prepared: str = "") -> str:
    source = TYPESCRIPT.replace(", type Ranker", "")
    return source.format(body=body, prepared=prepared)


def judged(module, *inputs: str) -> dict[str, str]:
    cases = {given: Case(4, 32, given) for given in inputs}
    return _hosts.host(module).judge("it", module, cases)


def test_an_unknown_runtime_is_named(tmp_path, monkeypatch):
    source = HEAD.replace('"cpython"', '"abacus"') + "    ranker = right\n"
    found = package_of(tmp_path, monkeypatch, "strange_rerankers", odd=source)
    with pytest.raises(BenchError, match=r"odd\.py: RUNTIME is 'abacus', not one of"):
        _hosts.host(found["odd"])


def test_a_module_that_lacks_a_name_is_named(tmp_path, monkeypatch):
    with pytest.raises(BenchError, match=r"lacking\.py: .*ranker"):
        package_of(tmp_path, monkeypatch, "lacking_rerankers", lacking=HEAD)


def test_wrong_rankers_in_python_are_caught_one_by_one(tmp_path, monkeypatch):
    found = package_of(
        tmp_path,
        monkeypatch,
        "python_rerankers",
        good=HEAD + "    ranker = right\n",
        mixed=HEAD
        + """
    import os
    def ranker(given):
        def prepare(job):
            rank = right(given)(job)
            def wrong(values):
                order, scores = rank(values)
                if given == "lists": return Ranking(order[::-1], scores[::-1])
                if given == "fresh": return Ranking(order, [s - 0.05 for s in scores])
                if given == "json": raise ValueError("no JSON today")
                if given == "float32": os._exit(3)
                return Ranking(order, scores)
            return wrong
        return prepare
    """,
        few=HEAD
        + """
    BATCH = 3
    def ranker(given): return lambda job: lambda values: []
    """,
    )
    assert set(judged(found["good"], *taken(found["good"])).values()) == {""}
    said = judged(found["mixed"], "lists", "fresh", "json", "float32", "base64")
    assert "before match" in said["lists"]
    assert "scores match" in said["fresh"]
    assert said["json"] == "ValueError: no JSON today"
    assert "ended with code 3" in said["float32"]
    assert said["base64"] == ""
    assert judged(found["few"], "json") == {"json": "makes 0 rankings of 3 queries"}


def test_wrong_rankers_in_typescript_are_caught_one_by_one(tmp_path, monkeypatch):
    needs_workerd()
    found = package_of(
        tmp_path,
        monkeypatch,
        "typescript_rerankers",
        good=typescript("return rank(matches);"),
        reverse=typescript("const r = rank(matches); r.order.reverse(); return r;"),
        throws=typescript("throw new Error('not today');"),
        silent=typescript("return rank(matches).order;"),
        broken=typescript("return rank(;"),
    )
    assert judged(found["good"], "lists", "fresh") == {"lists": "", "fresh": ""}
    assert "scores match" in judged(found["reverse"], "lists")["lists"]
    assert "not today" in judged(found["throws"], "lists")["lists"]
    assert "answers no ranking" in judged(found["silent"], "lists")["lists"]
    assert "does not compile" in judged(found["broken"], "lists")["lists"]
    assert "cannot rank json" in judged(found["good"], "json")["json"]


def test_fresh_values_are_ranked_once_and_lists_again_and_again(tmp_path, monkeypatch):
    needs_workerd()
    found = package_of(
        tmp_path,
        monkeypatch,
        "fresh_rerankers",
        python=HEAD
        + """
    def ranker(given):
        def prepare(job):
            rank, seen = right(given)(job), []
            def ranked(matches):
                before = any(matches is each for each in seen)
                assert before == (given == "lists" and len(seen) > 0), given
                seen.append(matches)
                return rank(matches)
            return ranked
        return prepare
    """,
        typed=typescript(
            "if (seen.has(matches)) throw new Error('again');"
            "seen.add(matches); return rank(matches);",
            "const seen = new WeakSet();",
        ),
    )
    cases = {given: Case(3, 16, given) for given in ("lists", "fresh")}
    module = found["python"]
    with closing(_hosts.host(module).start("it", module, cases, seed=1)) as subject:
        subject.ready()
        for case in cases:
            assert subject.turn(case, 5).n == 5
    module = found["typed"]
    only = {"fresh": cases["fresh"]}
    with closing(_hosts.host(module).start("it", module, only, seed=1)) as subject:
        subject.ready()
        assert subject.turn("fresh", 40).n == 40
    with (
        closing(_hosts.host(module).start("it", module, cases, seed=1)) as subject,
        pytest.raises(BenchError, match="again"),
    ):
        subject.ready()


@pytest.mark.parametrize("name", ["pure_python", "blas_batched", "v8_arrays"])
def test_a_re_ranker_takes_turns(name):
    module = load()[name]
    if module.RUNTIME == "workerd":
        needs_workerd()
    cases = {given: Case(4, 64, given) for given in taken(module)}

    def start(seed):
        return _hosts.host(module).start(name, module, cases, seed=seed)

    stream = groups([Member(name, start, {case: case for case in cases})], PACE, seed=1)
    with closing(stream):
        group = next(stream)
    for case in cases:
        costs = group.cpu(name, case)
        assert len(costs) == 2
        assert all(0 < cost < 1e9 for cost in costs)
        assert {turn.n for turn in group.turns[name, case]} == {group.loops[name, case]}


def test_the_share_of_a_batch_is_what_counts():
    asked = []

    def turn(case, n):
        asked.append((case, n))
        return Turn(case, n, 8000 * n, 16_000 * n, 5, None)

    subject = Batches(SimpleNamespace(seed=1, turn=turn), 8)
    assert subject.turn("c", 12) == Turn("c", 12, 12_000, 24_000, None, None)
    assert subject.turn("c") == Turn("c", 1, 1000, 2000, None, None)
    assert asked == [("c", 2), ("c", 1)]
