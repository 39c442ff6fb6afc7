"""Engines and workloads into one run: who is asked, in which order, what failed."""

from __future__ import annotations

import pytest
from workload_support import FREE, new_run

from bench.errors import BenchError, UserError
from bench.measure import engines, replay, workloads
from bench.workerd import tools


class Heard:
    def __init__(self):
        self.said = []

    def step(self, label):
        self.said.append(label)


@pytest.fixture
def asked(monkeypatch):
    """Both measurements answer at once; what they were asked, in order."""
    calls = []
    found = {"services": [], "errors": []}

    def outside(run, modules, plan, **given):
        calls.append(("engines", list(modules), given["workloads"], given["phases"]))
        return found

    def inside(run, **given):
        calls.append(("workloads", given["names"]))
        return {"schema": 1, "rows": [], "errors": ["a case broke"]}

    monkeypatch.setattr(engines, "measure", outside)
    monkeypatch.setattr(workloads, "measure", inside)
    monkeypatch.setattr(tools, "unavailable", lambda: None)
    return calls, found


def go(folder, *names):
    with new_run(folder) as run:
        return replay.replay(
            run, names=names, profile="quick", limits=FREE, seed=1, progress=Heard()
        )


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ((), {"qdrant", "postgres"}),
        (("rag_complex",), {"qdrant", "postgres"}),
        (("conversation_large",), {"postgres"}),
        (("webhook", "documents"), set()),
    ],
)
def test_only_engines_on_the_routes_of_what_is_replayed_are_needed(names, wanted):
    assert set(replay.needed(names)) == wanted


def test_engines_come_first_and_their_document_is_part_of_ours(asked, tmp_path):
    calls, found = asked
    document = go(tmp_path / "run", "conversation_large")
    assert calls == [
        ("engines", ["postgres"], ["conversation_large"], ("cold", "warm")),
        ("workloads", ("conversation_large",)),
    ]
    assert document["engines"] is found
    assert document["errors"] == ["a case broke"]
    assert (document["schema"], document["rows"]) == (1, [])


def test_errors_of_engines_are_errors_of_the_whole_and_each_is_said_once(
    asked, tmp_path
):
    behind = {"workload": "rag_complex", "route": "qdrant", "phase": "cold", "group": 0}
    asked[1]["errors"] = [
        {"key": {"engine": "qdrant", "dims": 1536}, "message": "it died"},
        {"key": {"engine": "qdrant"}, "message": "it died"},
        {"key": behind, "message": "no answer"},
    ]
    assert go(tmp_path / "run")["errors"] == [
        "a case broke",
        "qdrant: it died",
        "rag_complex qdrant cold: no answer",
    ]


def test_what_cannot_be_replayed_is_said_before_an_engine_starts(
    asked, tmp_path, monkeypatch
):
    with pytest.raises(UserError, match="'nosuch' is not a workload"):
        go(tmp_path / "one", "nosuch")
    monkeypatch.setattr(tools, "unavailable", lambda: "there is no workerd here")
    with pytest.raises(BenchError, match="no workerd here"):
        go(tmp_path / "two")
    assert asked[0] == []


def test_the_time_that_is_announced_is_of_both_and_of_engines_that_are_here(
    monkeypatch,
):
    alone = workloads.seconds("quick")
    assert replay.seconds("quick", ["webhook"]) == alone
    modules = replay.needed([])
    for module in modules.values():
        monkeypatch.setattr(module, "unavailable", lambda: None)
    both = replay.seconds("quick")
    plan = engines.PLANS["quick"]
    assert both == alone + plan.seconds + 2 * plan.each
    monkeypatch.setattr(modules["qdrant"], "unavailable", lambda: "it is not here")
    assert replay.seconds("quick") == both - plan.each
    assert replay.seconds("full") > 2 * both
