"""The Worker in front of an engine, the law of sizes, and a run that holds both."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workerd_support import needs_workerd

from bench.engines import _gateway, _history, _law, _tables, load
from bench.engines._corpus import corpus, queries
from bench.engines._gateway import COMPLEX, LARGE, Gateway
from bench.errors import BenchError
from bench.measure import engines as measured
from bench.store import Run

DIMS = 32
ENGINES = load()
TINY = measured.Plan((60, 120, 240), (5, 10, 20), 12, 0)


class Quiet:
    def __init__(self):
        self.said = []

    def step(self, label):
        self.said.append(label)


def runs(name):
    reason = ENGINES[name].unavailable()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="module", params=list(ENGINES))
def gateway(request, tmp_path_factory):
    needs_workerd()
    runs(request.param)
    known = corpus(200, 3, DIMS)
    with ENGINES[request.param].start() as running:
        running.seed(known.vectors, known.payloads)
        if request.param == "postgres":
            _history.seed(running, 0, 10)
        module = _gateway.build(tmp_path_factory.mktemp("gateway"))
        workloads = [COMPLEX, LARGE] if request.param == "postgres" else [COMPLEX]
        yield Gateway(running, module, known, queries(4, 3, DIMS), workloads)


@pytest.fixture(scope="module")
def isolates(gateway):
    with gateway.isolates(1) as started:
        yield started


def test_the_worker_answers_what_the_engine_found(gateway, isolates):
    for number in range(4):
        cost, answer = gateway.cost(isolates, 0, COMPLEX, number)
        assert answer.ids == gateway.right[number]
        assert len(answer.ids) == _gateway.K
        assert answer.calls == 1
        # A number of the question has some 20 characters, a text some 1,000.
        assert answer.sent > 15 * DIMS
        assert answer.received > 400 * _gateway.K
        assert cost.cpu > 0


def test_the_worker_reads_a_long_conversation_and_writes_a_turn(gateway, isolates):
    if LARGE not in gateway.workloads:
        pytest.skip("this engine holds no conversations")
    for _ in range(2):
        _, answer = gateway.cost(isolates, 0, LARGE, 0)
        assert answer.ids == _history.long_ids()
        assert answer.calls == 2
        assert answer.received > 448 * _history.LONG_MESSAGES


def test_a_wrong_answer_has_no_cost(gateway, isolates):
    broken = replace(gateway)
    object.__setattr__(broken, "right", {0: ["1"]})
    with pytest.raises(BenchError, match="instead of"):
        broken.cost(isolates, 0, COMPLEX, 0)


def test_an_engine_that_fails_is_an_error_of_the_worker(gateway, isolates):
    services = gateway.running.services
    services.fault(gateway.running.name, "5xx", count=1)
    with pytest.raises(BenchError, match="answered 5"):
        gateway.cost(isolates, 0, COMPLEX, 0)
    gateway.cost(isolates, 0, COMPLEX, 0)


laws = st.tuples(st.floats(-1, 2), st.floats(1e-3, 1e3))


@settings(max_examples=30)
@given(law=laws, sizes=st.sets(st.integers(1, 10**6), min_size=3, max_size=8))
def test_a_power_law_is_found_again_and_carried_on(law, sizes):
    exponent, factor = law
    found = _law.fit({size: factor * size**exponent for size in sizes})
    assert found.exponent.value == pytest.approx(exponent, abs=1e-6)
    expected = factor * 5e6**exponent
    assert found.at(5e6).value == pytest.approx(expected, rel=1e-4)
    assert not found.measured(5e6)
    assert found.measured(min(sizes))


def test_the_interval_of_a_prediction_widens_with_the_distance():
    noisy = {1000: 1.0, 2000: 1.6, 4000: 1.9, 8000: 3.1}
    law = _law.fit(noisy)
    widths = [math.log(law.at(s).high / law.at(s).low) for s in (3000, 30_000, 5e6)]
    assert widths == sorted(widths)
    assert law.exponent.low < 0.5 < law.exponent.high
    assert all(law.at(s).low < cost < law.at(s).high for s, cost in noisy.items())


def test_two_sizes_have_no_law():
    assert _law.fit({1000: 1.0, 2000: 2.0}) is None


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    made = Run.create(
        folder, argv=[], seed=3, profile="quick", parameters={}, fixtures={}
    )
    yield made
    made.close()


def ask(run, phases, engines=ENGINES, **given):
    progress = Quiet()
    given |= {"seed": 3, "progress": progress, "dims": DIMS}
    document = measured.measure(run, engines, TINY, phases=phases, **given)
    return document, progress.said


def test_a_run_holds_every_row_and_goes_on_where_it_was(run, monkeypatch):
    needs_workerd()
    for name in ENGINES:
        runs(name)
    monkeypatch.setattr(measured, "MIN_GROUPS", 2)
    monkeypatch.setattr(measured, "_COLD", 2)
    monkeypatch.setattr(measured, "_WARM", 3)
    monkeypatch.setattr(measured, "_WARM_UP", 3)
    document, _ = ask(run, ["cold", "warm"])
    assert document["errors"] == []
    stages = {(row["engine"], row["stage"]) for row in document["services"]}
    assert stages == {
        *((name, stage) for name in ENGINES for stage in (COMPLEX, "unfiltered")),
        ("postgres", "conversation_load"),
        ("postgres", "conversation_save"),
    }
    assert all(row["service_ms"] > 0 for row in document["services"])
    assert all(
        row["recall"] in (None, pytest.approx(1, abs=0.1))
        for row in document["services"]
    )
    assert {(row["engine"], row["stage"]) for row in document["laws"]} == stages
    assert all(row["extrapolated"] for row in document["laws"])
    workers = {
        (row["engine"], row["workload"], row["phase"]): row
        for row in document["workers"]
    }
    assert len(workers) == 2 * (len(ENGINES) + 1)
    assert all(row["n"] == 2 and row["cpu_ms"] > 0 for row in workers.values())
    table = run.samples()
    rows = table[table["invocation"] == "workload"]
    metrics = {"cpu", "wall", "subrequests", "bytes_in", "bytes_out"}
    assert metrics <= set(rows["metric"]) <= metrics | {"locked"}
    per_group = rows[rows["metric"] == "cpu"].groupby(
        ["variant", "stage", "phase", "process"]
    )
    assert set(per_group.size()) == {2, 3}

    again, said = ask(run, ["cold", "warm"])
    assert said == []
    assert again == document


@pytest.fixture
def fresh(tmp_path):
    asked = {"argv": [], "seed": 3, "profile": "quick", "parameters": {}}
    with Run.create(tmp_path / "run", fixtures={}, **asked) as made:
        yield made


def test_an_engine_that_is_not_here_is_skipped_and_that_is_no_error(fresh, monkeypatch):
    monkeypatch.setattr(ENGINES["qdrant"], "unavailable", lambda: "it is not here")
    document, said = ask(fresh, ["warm"], {"qdrant": ENGINES["qdrant"]})
    assert document["errors"] == fresh.errors() == []
    assert [each["unavailable"] for each in document["engines"]] == ["it is not here"]
    assert said == ["qdrant skipped: it is not here"]
    assert fresh.manifest["cells"] == {}


def test_an_engine_that_fails_is_an_error_until_it_does_not(fresh):
    @contextmanager
    def start(**_):
        if broken:
            raise BenchError("it does not start")
        yield

    words = {"NOTE": "", "version": lambda: "1", "unavailable": lambda: None}
    engines = {"odd": SimpleNamespace(start=start, **words)}
    broken = True
    document, said = ask(fresh, ["warm"], engines, workloads=())
    assert {error["message"] for error in document["errors"]} == {"it does not start"}
    assert said == ["odd ended: it does not start"]
    broken = False
    document, _ = ask(fresh, ["warm"], engines, workloads=())
    assert document["errors"] == fresh.errors() == []


def test_an_engine_is_asked_only_for_the_workloads_that_are_wanted(fresh, monkeypatch):
    runs("postgres")
    monkeypatch.setattr(measured, "_measure_gateway", lambda *_: None)
    only = {"postgres": ENGINES["postgres"]}
    document, _ = ask(fresh, ["warm"], only, workloads=[LARGE])
    stages = {row["stage"] for row in document["services"]}
    assert stages == {"conversation_load", "conversation_save"}


def test_routes_of_the_worker_itself_are_none_of_an_engine(fresh):
    place = {"runtime": "workerd", "phase": "warm", "invocation": "workload"}
    metrics = {"cpu": "ms", "wall": "ms", "subrequests": "count"}
    metrics |= {"bytes_in": "bytes", "bytes_out": "bytes"}
    with fresh.cell({"made": "up"}) as cell:
        cell.add(
            place
            | {"stage": COMPLEX, "variant": route, "process": process}
            | {"metric": metric, "unit": unit, "value": 1.0}
            for route in ("native", "qdrant")
            for process in range(2)
            for metric, unit in metrics.items()
        )
    found = _tables.document(fresh, {"qdrant": ENGINES["qdrant"]}, ["warm"])
    assert [row["engine"] for row in found["workers"]] == ["qdrant"]
