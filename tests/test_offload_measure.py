"""What the options cost the Worker, end to end on real processes, in tiny sizes."""

from __future__ import annotations

import math
import os
import signal
from contextlib import contextmanager

import pytest
from workerd_support import needs_workerd

from bench.errors import BenchError, UserError
from bench.offload import OPTIONS, hosts, measure, service
from bench.offload.questions import ask
from bench.offload.subjects import Warm
from bench.services.rerank import Service
from bench.store import Run
from bench.workerd import tools

GRID = [(2, 8), (5, 16)]
NEEDY = {name for name, option in OPTIONS.items() if option.offloads}
COLUMNS = {
    *("option", "phase", "k", "dims", "worker_cpu_us", "worker_low", "worker_high"),
    *("locked_us", "locked_low", "locked_high", "round_trip_ms", "request_bytes"),
    *("response_bytes", "waited_us", "n", "error", "beyond"),
}


class Heard:
    def __init__(self):
        self.said = []

    def step(self, label):
        self.said.append(label)


@pytest.fixture
def run(tmp_path):
    needs_workerd()
    with Run.create(
        tmp_path / "run", argv=[], seed=1, profile="quick", parameters={}, fixtures={}
    ) as made:
        yield made


def go(run, grid=GRID, phases=("cold", "warm"), progress=None):
    return measure.measure(
        run,
        grid,
        phases=list(phases),
        seconds=0.0,
        seed=1,
        progress=progress or Heard(),
    )


def staged_then(monkeypatch, then):
    """Let ``then(scene)`` happen once the scene stands, before anything is checked."""
    stage = measure.stage

    @contextmanager
    def changed(*args):
        with stage(*args) as scene:
            then(scene)
            yield scene

    monkeypatch.setattr(measure, "stage", changed)


def test_both_phases_of_every_option_and_size(run):
    heard = Heard()
    rows = go(run, progress=heard)
    assert [(r["phase"], r["k"], r["dims"], r["option"]) for r in rows] == [
        (phase, k, dims, option)
        for phase in ("cold", "warm")
        for k, dims in GRID
        for option in OPTIONS
    ]
    for row in rows:
        assert set(row) == COLUMNS
        assert row["error"] is None
        assert row["n"] == 2
        assert row["worker_low"] <= row["worker_cpu_us"] <= row["worker_high"]
        assert row["worker_cpu_us"] > 0
        assert math.isfinite(row["worker_low"])
        assert row["round_trip_ms"] > 0
        assert (row["request_bytes"] > 0) == (row["option"] in NEEDY)
        assert row["response_bytes"] > 0
        if tools.features().async_trace:
            assert row["locked_us"] > 0
            assert row["waited_us"] >= 0
            assert row["locked_low"] <= row["locked_us"] <= row["locked_high"]
    assert sum("GPU" in label for label in heard.said) == 1
    samples = run.samples()
    assert set(samples["invocation"]) == {measure.INVOCATION}
    assert set(samples["metric"]) >= {"cpu", "wall", "helpers", "sent", "received"}
    run.seal()
    assert measure.rows(Run.open(run.path), GRID, ["cold", "warm"]) == rows


def test_groups_that_are_there_are_not_measured_again(run, monkeypatch):
    first = go(run, phases=["cold"])
    monkeypatch.setattr(measure, "_batches", None)
    with pytest.raises(TypeError):
        go(run, phases=["warm"])
    monkeypatch.undo()
    assert go(run, phases=["cold"])[0]["n"] == 2
    assert measure.rows(run, GRID, ["cold"]) == first


def test_an_interrupted_phase_goes_on_with_the_group_that_it_lacks(run, monkeypatch):
    batches = measure._batches

    def interrupted(*args):
        source = batches(*args)
        try:
            yield next(source)
            raise KeyboardInterrupt
        finally:
            source.close()

    monkeypatch.setattr(measure, "_batches", interrupted)
    with pytest.raises(KeyboardInterrupt):
        go(run, GRID[:1], ["cold"])
    assert {r["n"] for r in measure.rows(run, GRID[:1], ["cold"])} == {1}
    monkeypatch.undo()
    began = []
    monkeypatch.setattr(
        measure, "_batches", lambda *a: began.append(a[3]) or batches(*a)
    )
    assert {row["n"] for row in go(run, GRID[:1], ["cold"])} == {2}
    assert began == [1]


def failed(rows):
    return {row["option"] for row in rows if row["error"] is not None}


@pytest.mark.parametrize("after", [0, len(NEEDY)])
def test_a_service_that_dies_fails_those_who_need_it(run, monkeypatch, after):
    """Before the answers are checked, or between that and the first group."""
    staged_then(
        monkeypatch,
        lambda scene: scene.services.fault(hosts.RERANK, "refused", after=after),
    )
    rows = go(run, GRID[:1], ["warm"])
    assert failed(rows) == NEEDY
    for row in rows:
        numbers = [value for name, value in row.items() if name.endswith("_us")]
        if row["option"] in NEEDY:
            assert "lost" in row["error"]
            assert row["n"] == 0
            assert set(numbers) == {None}
        else:
            assert row["n"] == 2
    assert {error["key"]["case"] for error in run.errors()} == {
        f"{name}/2x8" for name in NEEDY
    }
    monkeypatch.undo()
    # Where it lives again, the next attempt measures what failed.
    run.close()
    with Run.resume(run.path) as again:
        monkeypatch.setattr(measure, "MIN_GROUPS", 4)
        rows = go(again, GRID[:1], ["warm"])
        assert failed(rows) == set()
        assert {row["n"] for row in rows if row["option"] in NEEDY} == {2}
        assert {row["n"] for row in rows if row["option"] not in NEEDY} == {4}


def test_a_process_that_is_gone_fails_every_option_and_stalls_nothing(run, monkeypatch):
    def then(scene):
        check = scene.check

        def checked(names):
            wrong = check(names)
            os.kill(scene.services.pid, signal.SIGKILL)
            return wrong

        object.__setattr__(scene, "check", checked)

    staged_then(monkeypatch, then)
    rows = go(run, GRID[:1], ["cold"])
    assert failed(rows) == set(OPTIONS)


def test_what_cannot_be_measured_is_said_at_once(run, monkeypatch):
    with pytest.raises(UserError, match="'hot' is not a phase"):
        go(run, phases=["hot"])
    monkeypatch.setattr(tools, "unavailable", lambda: "there is no workerd here")
    with pytest.raises(BenchError, match="no workerd here"):
        go(run)


def test_a_turn_is_n_requests_each_option_in_an_isolate_of_its_own():
    needs_workerd()
    with measure.stage(GRID[:1], 1) as scene:
        subject = Warm(scene, 1, {})
        try:
            subject.ready()
            one, three = (subject.turn("offload_ids/2x8", n) for n in (1, 3))
        finally:
            subject.close()
    assert (one.n, three.n) == (1, 3)
    assert three.extra["sent"] == 3 * one.extra["sent"]
    assert three.extra["received"] == 3 * one.extra["received"]


def test_what_the_service_itself_costs():
    rows = service.measure(seconds=0, seed=1, k=3, dims=8)
    assert {(row["body"], row["batch"]) for row in rows} == {
        (body, batch) for body in service.BODIES for batch in service.BATCHES
    }
    for row in rows:
        assert (row["device"], row["k"], row["dims"]) == ("cpu", 3, 8) or row[
            "device"
        ] == "cuda"
        assert row["backend"]
        assert row["cpu_us_per_query"] > 0
        assert row["wall_us_per_query"] > 0
        assert row["n"] == service.MIN_REQUESTS


@pytest.mark.parametrize("body", service.BODIES)
def test_the_measured_requests_are_answered_like_the_worker_s(body):
    from bench.services._messages import Call

    (question,) = ask([(4, 16)], 2)
    served = Service(1)
    served.put({"vectors": [vars_of(match) for match in question.exact]})
    headers = {"content-type": service.kind(body), "accept": "application/json"}
    asked = Call(
        "POST", "/rerank", {}, headers, service.request(question, body, batch=3)
    )
    rankings = served.rank(served.jobs(asked))
    assert len(rankings) == 3
    for ranking in rankings:
        ids = [question.exact[place].id for place in ranking.order]
        question.check(OPTIONS["in_path"], ids)


def vars_of(match):
    return {"id": match.id, "values": match.values, "metadata": match.metadata}
